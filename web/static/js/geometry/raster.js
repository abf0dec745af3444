/** Exact operations on binary masks at image resolution; every one returns a new mask. */

import { hull, NO_BOX } from './boxes.js';
import { bitsIn, eachRow, trim } from './crop.js';

export { MAX_BRUSH_PX, MIN_BRUSH_PX, stampStroke, StrokePainter } from './brush.js';
export { cleanUp } from './clean_up.js';
export { boundingBox, trim } from './crop.js';

/** @typedef {import('./types.js').MaskRaster} MaskRaster */

/**
 * A mask with no pixel set.
 *
 * @param {number} width
 * @param {number} height
 * @returns {MaskRaster}
 */
export function emptyMask(width, height) {
  return { width, height, box: NO_BOX, bits: new Uint8Array(0) };
}

/**
 * @param {MaskRaster} mask
 * @param {number} x pixel column
 * @param {number} y pixel row
 * @returns {boolean} false outside the image
 */
export function contains(mask, x, y) {
  const [x0, y0, x1, y1] = mask.box;
  return x >= x0 && x < x1 && y >= y0 && y < y1 && mask.bits[(y - y0) * (x1 - x0) + x - x0] === 1;
}

/**
 * @param {MaskRaster} mask
 * @returns {number} number of set pixels
 */
export function areaOf(mask) {
  const { bits } = mask;
  let area = 0;
  for (let i = 0; i < bits.length; i++) area += bits[i];
  return area;
}

/**
 * Pixels set in either mask.
 *
 * @param {MaskRaster} a
 * @param {MaskRaster} b of the same image
 * @returns {MaskRaster}
 */
export function union(a, b) {
  const box = hull(a.box, b.box);
  const bits = bitsIn(a, box);
  eachRow(b, box, (from, to, length) => {
    for (let i = 0; i < length; i++) bits[to + i] |= b.bits[from + i];
  });
  return { width: a.width, height: a.height, box, bits };
}

/**
 * Pixels set in `a` and not in `b`.
 *
 * @param {MaskRaster} a
 * @param {MaskRaster} b of the same image
 * @returns {MaskRaster} with a tight box
 */
export function subtract(a, b) {
  const bits = a.bits.slice();
  eachRow(b, a.box, (from, to, length) => {
    for (let i = 0; i < length; i++) bits[to + i] &= b.bits[from + i] ^ 1;
  });
  return trim({ ...a, bits });
}

/**
 * Pixels set in both masks.
 *
 * @param {MaskRaster} a
 * @param {MaskRaster} b of the same image
 * @returns {MaskRaster} with a tight box
 */
export function intersect(a, b) {
  const bits = new Uint8Array(a.bits.length);
  eachRow(b, a.box, (from, to, length) => {
    for (let i = 0; i < length; i++) bits[to + i] = a.bits[to + i] & b.bits[from + i];
  });
  return trim({ ...a, bits });
}
