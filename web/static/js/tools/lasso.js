/**
 * Lasso: an outline drawn by hand; what is inside is added, or taken away.
 *
 * @typedef {import('../canvas/pointers.js').Tool} Tool
 * @typedef {import('../state/workbench.js').Place} Place
 */
import { other, pair, rounded } from './brush.js';

/** An outline of fewer places encloses nothing. */
const LEAST = 3;

/**
 * @param {import('./brush.js').BrushActs} acts
 * @returns {Tool}
 */
export function lassoTool(acts) {
  /** @type {{mode: 'brush' | 'eraser', places: Place[], since: number} | null} */
  let drawing = null;

  const rest = () => {
    drawing = null;
    acts.show({ lasso: null });
  };

  /** @param {Place[]} trail */
  const extend = (trail) => {
    if (!drawing) return;
    drawing.places.push(...trail.map(rounded));
    acts.show({ lasso: { mode: drawing.mode, places: [...drawing.places] } });
  };

  return {
    cursor: 'crosshair',
    enter: () => {},
    exit: rest,
    down(touch) {
      drawing = { mode: touch.alt || touch.secondary ? other('brush') : 'brush', places: [], since: performance.now() };
      extend([touch.at]);
    },
    move(touch) {
      acts.hover(touch.at);
      extend(touch.trail);
    },
    up() {
      const finished = drawing;
      rest();
      if (!finished || finished.places.length < LEAST) return;
      const stroke = { mode: finished.mode, shape: /** @type {const} */ ('lasso'), size: 0, points: finished.places.map(pair) };
      acts.paint(stroke, performance.now() - finished.since, false);
    },
    cancel: rest,
    leave: () => acts.hover(null),
  };
}
