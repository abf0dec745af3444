/** Brush and eraser: a stamp of exact pixels walked along a stroke. */

import { hull, isEmptyBox, NO_BOX, overlap } from './boxes.js';
import { bitsIn, trim } from './crop.js';

/** @typedef {import('./types.js').Box} Box */
/** @typedef {import('./types.js').MaskRaster} MaskRaster */
/** @typedef {import('./types.js').Place} Place */
/** @typedef {'circle' | 'square'} BrushShape */

export const MIN_BRUSH_PX = 1;
export const MAX_BRUSH_PX = 300;

/**
 * Paints or erases along a stroke. A stamp of odd size is centred on the pixel under the point,
 * one of even size on the nearest pixel corner; a pixel belongs to a circle when its centre is
 * within half the size. Between two points the stamp moves pixel by pixel.
 *
 * @param {MaskRaster} mask
 * @param {readonly Place[]} points along the stroke; one point is one dab
 * @param {number} size diameter or side, 1 to 300 px
 * @param {BrushShape} shape
 * @param {boolean} add true paints, false erases
 * @returns {MaskRaster} with a tight box
 */
export function stampStroke(mask, points, size, shape, add) {
  const painter = new StrokePainter(mask, size, shape, add);
  painter.extend(points);
  return trim(painter.mask());
}

/** A stroke being drawn: its own copy of the bits grows with the stroke. */
export class StrokePainter {
  #width;
  #height;
  #add;
  #size;
  #spans;
  /** @type {Box} */
  #box;
  /** @type {Uint8Array} */
  #bits;
  /** @type {Place | null} */
  #last = null;

  /**
   * @param {MaskRaster} mask what is painted on; stays as it is
   * @param {number} size
   * @param {BrushShape} shape
   * @param {boolean} add
   */
  constructor(mask, size, shape, add) {
    this.#width = mask.width;
    this.#height = mask.height;
    this.#box = mask.box;
    this.#bits = mask.bits.slice();
    this.#add = add;
    this.#size = brushSize(size);
    this.#spans = stampSpans(this.#size, shape);
  }

  /**
   * Goes on along further points of the stroke.
   *
   * @param {readonly Place[]} points
   * @returns {Box} where pixels may have changed, to be drawn again
   */
  extend(points) {
    /** @type {Box} */
    let dirty = NO_BOX;
    for (const point of points) {
      const to = stampCorner(point, this.#size);
      dirty = hull(dirty, this.#segment(this.#last ?? to, to));
      this.#last = to;
    }
    return dirty;
  }

  /** @returns {MaskRaster} the mask so far; its box may be larger than tight */
  mask() {
    return { width: this.#width, height: this.#height, box: this.#box, bits: this.#bits.slice() };
  }

  /**
   * @param {Place} from corner of the first stamp
   * @param {Place} to corner of the last stamp
   * @returns {Box}
   */
  #segment({ x: fromX, y: fromY }, { x: toX, y: toY }) {
    const size = this.#size;
    const touched = overlap(
      [Math.min(fromX, toX), Math.min(fromY, toY), Math.max(fromX, toX) + size, Math.max(fromY, toY) + size],
      [0, 0, this.#width, this.#height],
    );
    if (isEmptyBox(touched)) return NO_BOX;
    if (this.#add) this.#growTo(touched);
    const steps = Math.max(Math.abs(toX - fromX), Math.abs(toY - fromY));
    for (let step = 0; step <= steps; step++) {
      const part = steps ? step / steps : 0;
      this.#stamp(Math.round(fromX + (toX - fromX) * part), Math.round(fromY + (toY - fromY) * part));
    }
    return touched;
  }

  /**
   * @param {number} left
   * @param {number} top
   */
  #stamp(left, top) {
    const [x0, y0, x1, y1] = this.#box;
    const value = this.#add ? 1 : 0;
    const firstRow = Math.max(0, y0 - top);
    const endRow = Math.min(this.#size, y1 - top);
    for (let row = firstRow; row < endRow; row++) {
      const from = Math.max(left + this.#spans[2 * row], x0);
      const to = Math.min(left + this.#spans[2 * row + 1], x1);
      const base = (top + row - y0) * (x1 - x0) - x0;
      if (from < to) this.#bits.fill(value, base + from, base + to);
    }
  }

  /**
   * Makes room, with a margin so that a stroke does not copy its bits at every point.
   *
   * @param {Box} box
   */
  #growTo(box) {
    const needed = hull(this.#box, box);
    if (needed.every((side, i) => side === this.#box[i])) return;
    const margin = isEmptyBox(this.#box) ? 0 : Math.max(64, this.#size);
    const grown = overlap(
      [needed[0] - margin, needed[1] - margin, needed[2] + margin, needed[3] + margin],
      [0, 0, this.#width, this.#height],
    );
    const now = { width: this.#width, height: this.#height, box: this.#box, bits: this.#bits };
    this.#bits = bitsIn(now, grown);
    this.#box = grown;
  }
}

/**
 * @param {number} size
 * @returns {number} a whole number of pixels within the limits
 */
function brushSize(size) {
  return Math.min(MAX_BRUSH_PX, Math.max(MIN_BRUSH_PX, Math.round(size)));
}

/**
 * The top left pixel of a stamp at a place in the image.
 *
 * @param {Place} place
 * @param {number} size
 * @returns {Place}
 */
function stampCorner({ x, y }, size) {
  const half = size % 2 ? (size - 1) / 2 : size / 2;
  const snap = size % 2 ? Math.floor : Math.round;
  return { x: snap(x) - half, y: snap(y) - half };
}

/**
 * Columns [from, to) of each row of a stamp.
 *
 * @param {number} size
 * @param {BrushShape} shape
 * @returns {Int32Array} 2 × size
 */
function stampSpans(size, shape) {
  const spans = new Int32Array(2 * size);
  for (let row = 0; row < size; row++) {
    const inset = shape === 'square' ? 0 : circleInset(size, row);
    spans[2 * row] = inset;
    spans[2 * row + 1] = size - inset;
  }
  return spans;
}

/**
 * Pixels of a row left of a circle, in doubled coordinates so that all numbers are whole.
 *
 * @param {number} size
 * @param {number} row
 * @returns {number}
 */
function circleInset(size, row) {
  const down = 2 * row + 1 - size;
  let inset = 0;
  while ((2 * inset + 1 - size) ** 2 + down ** 2 > size ** 2) inset += 1;
  return inset;
}
