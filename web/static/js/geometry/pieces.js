/** Connected pieces of what two masks differ in. */

import { hull } from './boxes.js';
import { bitsIn, trim } from './crop.js';

/** @typedef {import('./types.js').MaskRaster} MaskRaster */

/**
 * The mask with those pieces of the change to `answer` that hold a click. Pixels that share a side or a corner are of one
 * piece; no more than the box around both masks is looked at.
 *
 * @param {MaskRaster} mask
 * @param {MaskRaster} answer of the same image
 * @param {readonly {readonly x: number, readonly y: number}[]} clicks image pixels
 * @returns {MaskRaster} `mask` itself when no piece holds a click; `answer` itself when nothing is left of the change
 */
export function changedAt(mask, answer, clicks) {
  const box = hull(mask.box, answer.box);
  const [x0, y0, x1, y1] = box;
  const bits = bitsIn(mask, box);
  const left = bitsIn(answer, box);
  markDifferences(left, bits);
  const starts = clicks.filter(({ x, y }) => x >= x0 && x < x1 && y >= y0 && y < y1).map(({ x, y }) => (y - y0) * (x1 - x0) + x - x0);
  const held = starts.filter((start) => left[start]);
  for (const start of held) takePiece(left, bits, x1 - x0, start);
  if (!left.includes(1)) return answer;
  return held.length ? trim({ ...mask, box, bits }) : mask;
}

/**
 * Four pixels at a time: a mask may have millions.
 *
 * @param {Uint8Array} bits become 1 where they differ from the others; both have their buffers to themselves
 * @param {Uint8Array} others as many
 */
function markDifferences(bits, others) {
  const words = bits.length >> 2;
  const four = new Uint32Array(bits.buffer, 0, words);
  const otherFour = new Uint32Array(others.buffer, 0, words);
  for (let i = 0; i < words; i++) four[i] ^= otherFour[i];
  for (let i = 4 * words; i < bits.length; i++) bits[i] ^= others[i];
}

/**
 * Row runs, one after the other.
 *
 * @param {Uint8Array} left what the masks differ in; the piece goes
 * @param {Uint8Array} bits in which the piece is turned over
 * @param {number} width of both
 * @param {number} start index of a pixel
 */
function takePiece(left, bits, width, start) {
  const open = [start];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (!left[at]) continue;
    const row = at - (at % width);
    let from = at;
    let to = at + 1;
    while (from > row && left[from - 1]) from -= 1;
    while (to < row + width && left[to]) to += 1;
    left.fill(0, from, to);
    for (let i = from; i < to; i++) bits[i] ^= 1;
    const first = Math.max(row, from - 1);
    const end = Math.min(row + width, to + 1);
    for (const shift of [-width, width]) {
      for (let i = first + shift; i < end + shift; i++) if (left[i] && (i === first + shift || !left[i - 1])) open.push(i);
    }
  }
}
