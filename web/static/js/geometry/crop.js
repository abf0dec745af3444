/** One mask stored in another rectangle: what sparse masks need before they can be combined. */

import { NO_BOX, overlap, sameBox } from './boxes.js';

/** @typedef {import('./types.js').Box} Box */
/** @typedef {import('./types.js').MaskRaster} MaskRaster */

/**
 * The tight box of a mask.
 *
 * @param {MaskRaster} mask
 * @returns {Box} [0, 0, 0, 0] when empty
 */
export function boundingBox(mask) {
  const [bx0, by0, bx1, by1] = mask.box;
  const w = bx1 - bx0;
  let [left, top, right, bottom] = [w, -1, 0, 0];
  for (let y = 0, base = 0; y < by1 - by0; y++, base += w) {
    const first = mask.bits.subarray(base, base + w).indexOf(1);
    if (first < 0) continue;
    const last = mask.bits.subarray(base, base + w).lastIndexOf(1);
    if (top < 0) top = y;
    bottom = y + 1;
    left = Math.min(left, first);
    right = Math.max(right, last + 1);
  }
  return top < 0 ? NO_BOX : [bx0 + left, by0 + top, bx0 + right, by0 + bottom];
}

/**
 * The same pixels, stored in their tight box.
 *
 * @param {MaskRaster} mask
 * @returns {MaskRaster}
 */
export function trim(mask) {
  const box = boundingBox(mask);
  return sameBox(box, mask.box) ? mask : { ...mask, box, bits: bitsIn(mask, box) };
}

/**
 * The bits of a mask in another rectangle; what lies outside the mask's own box is 0.
 *
 * @param {MaskRaster} mask
 * @param {Box} box
 * @returns {Uint8Array} a new array
 */
export function bitsIn(mask, box) {
  const bits = new Uint8Array((box[2] - box[0]) * (box[3] - box[1]));
  eachRow(mask, box, (from, to, length) => bits.set(mask.bits.subarray(from, from + length), to));
  return bits;
}

/**
 * Walks the rows that a mask and a box share.
 *
 * @param {MaskRaster} mask
 * @param {Box} box
 * @param {(from: number, to: number, length: number) => void} visit `from` is the offset in the
 *   mask's bits, `to` the offset in bits stored for `box`
 */
export function eachRow(mask, box, visit) {
  const [x0, y0, x1, y1] = overlap(mask.box, box);
  const maskWidth = mask.box[2] - mask.box[0];
  const boxWidth = box[2] - box[0];
  for (let y = y0; y < y1; y++) {
    const from = (y - mask.box[1]) * maskWidth + x0 - mask.box[0];
    visit(from, (y - box[1]) * boxWidth + x0 - box[0], x1 - x0);
  }
}
