/**
 * Brush and eraser: pixels exactly as the hand moved, at image resolution.
 *
 * @typedef {import('../canvas/pointers.js').Tool} Tool
 * @typedef {import('../canvas/pointers.js').Touch} Touch
 * @typedef {import('../state/workbench.js').Workbench} Workbench
 * @typedef {import('../state/workbench.js').Place} Place
 * @typedef {import('../state/types.js').Stroke} Stroke
 *
 * @typedef {object} Drawing  a stroke under way, or the last piece of a long one
 * @property {Omit<Stroke, 'points' | 'shape'> & {shape: import('../geometry/brush.js').BrushShape}} stroke
 * @property {StrokePainter} painter
 * @property {Place[]} places
 * @property {number} since  of performance.now()
 * @property {boolean} goesOn
 *
 * @typedef {object} BrushActs
 * @property {() => Workbench} bench
 * @property {(change: Partial<Workbench>) => void} show
 * @property {(at: Place | null) => void} hover
 * @property {(stroke: Stroke, tookMs: number, goesOn: boolean) => void} paint  `goesOn`: with the stroke before it
 */
import { StrokePainter } from '../geometry/brush.js';
import { emptyRaster } from '../state/rasters.js';
import { sizeOf } from '../state/workbench.js';

/** A stroke that takes longer is kept piece by piece: no more than this is lost with the page. */
const PIECE_MS = 5000;

/**
 * @param {BrushActs} acts
 * @param {'brush' | 'eraser'} name
 * @returns {Tool}
 */
export function brushTool(acts, name) {
  /** @type {Drawing | null} */
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
    if (performance.now() - drawing.since > PIECE_MS) nextPiece(drawing.places.slice(-1));
    acts.show({ stroke: { raster: drawing.painter.mask(), mode: drawing.stroke.mode } });
  };

  /**
   * @param {Drawing['stroke']} stroke
   * @param {boolean} goesOn
   */
  const begin = (stroke, goesOn) => {
    const painter = new StrokePainter(emptyRaster(sizeOf(acts.bench())), stroke.size, stroke.shape, true);
    drawing = { painter, stroke, places: [], since: performance.now(), goesOn };
  };

  /** @param {Drawing} finished */
  const keep = ({ stroke, places, since, goesOn }) => acts.paint({ ...stroke, points: places.map(pair) }, performance.now() - since, goesOn);

  /** @param {Place[]} from  where the piece before ends */
  const nextPiece = (from) => {
    if (!drawing) return;
    const { stroke } = drawing;
    keep(drawing);
    begin(stroke, true);
    extend(from);
  };

  return {
    cursor: 'none',
    enter: () => {},
    exit() {
      rest();
      acts.show({ inverted: false });
    },
    down(touch) {
      const { size, shape } = acts.bench().brush;
      const mode = touch.alt || touch.secondary ? other(name) : name;
      begin({ mode, size, shape }, false);
      extend([touch.at]);
    },
    move(touch) {
      acts.hover(touch.at);
      extend(touch.trail);
    },
    up() {
      const finished = drawing;
      rest();
      if (finished) keep(finished);
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
