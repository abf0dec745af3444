/**
 * Brush and eraser: pixels exactly as the hand moved, at image resolution.
 *
 * @typedef {import('../canvas/pointers.js').Tool} Tool
 * @typedef {import('../canvas/pointers.js').Touch} Touch
 * @typedef {import('../state/workbench.js').Workbench} Workbench
 * @typedef {import('../state/workbench.js').Place} Place
 * @typedef {import('../state/types.js').Stroke} Stroke
 *
 * @typedef {object} BrushActs
 * @property {() => Workbench} bench
 * @property {(change: Partial<Workbench>) => void} show
 * @property {(at: Place | null) => void} hover
 * @property {(stroke: Stroke, tookMs: number) => void} paint
 */
import { StrokePainter } from '../geometry/brush.js';
import { emptyRaster } from '../state/rasters.js';
import { sizeOf } from '../state/workbench.js';

/**
 * @param {BrushActs} acts
 * @param {'brush' | 'eraser'} name
 * @returns {Tool}
 */
export function brushTool(acts, name) {
  /** @type {{painter: StrokePainter, stroke: Stroke, places: Place[], since: number} | null} */
  let drawing = null;

  const rest = () => {
    drawing = null;
    acts.show({ stroke: null });
  };

  /** @param {Place[]} trail */
  const extend = (trail) => {
    if (!drawing) return;
    const places = trail.map(rounded);
    drawing.painter.extend(places);
    drawing.places.push(...places);
    acts.show({ stroke: { raster: drawing.painter.mask(), mode: drawing.stroke.mode } });
  };

  return {
    cursor: 'none',
    enter: () => {},
    exit() {
      rest();
      acts.show({ inverted: false });
    },
    down(touch) {
      const bench = acts.bench();
      const { size, shape } = bench.brush;
      const mode = touch.alt || touch.secondary ? other(name) : name;
      const painter = new StrokePainter(emptyRaster(sizeOf(bench)), size, shape, true);
      drawing = { painter, places: [], since: performance.now(), stroke: { mode, size, shape, points: [] } };
      extend([touch.at]);
    },
    move(touch) {
      acts.hover(touch.at);
      extend(touch.trail);
    },
    up() {
      const finished = drawing;
      rest();
      if (!finished) return;
      const stroke = { ...finished.stroke, points: finished.places.map(pair) };
      acts.paint(stroke, performance.now() - finished.since);
    },
    cancel: rest,
    leave: () => acts.hover(null),
  };
}

/** @param {'brush' | 'eraser'} name */
export const other = (name) => (name === 'brush' ? 'eraser' : 'brush');

/**
 * @param {Place} place
 * @returns {Place} to a tenth of a pixel, as it is kept and sent
 */
export const rounded = ({ x, y }) => ({ x: Math.round(x * 10) / 10, y: Math.round(y * 10) / 10 });

/**
 * @param {Place} place
 * @returns {[number, number]}
 */
export const pair = ({ x, y }) => [x, y];
