/** Masks to compressed COCO RLE and back: the same strings as pycocotools, without full rasters. */

import { runStarts } from './column_changes.js';

/** @typedef {import('./types.js').Box} Box */
/** @typedef {import('./types.js').MaskRaster} MaskRaster */
/** @typedef {import('./types.js').Rle} Rle */

const FIRST_CHARACTER = 48;
const LAST_CHARACTER = 111;

/** Thrown for an RLE that describes no mask of its size. */
export class RleError extends Error {
  /** @param {string} message */
  constructor(message) {
    super(message);
    this.name = 'RleError';
  }
}

/**
 * The compressed string of run lengths (sam_facts: 5-bit groups, low first, deltas from index 3).
 *
 * @param {ArrayLike<number>} counts alternating run lengths, zeros first
 * @returns {string}
 */
export function countsToString(counts) {
  const codes = [];
  for (let i = 0; i < counts.length; i++) {
    let x = i > 2 ? counts[i] - counts[i - 2] : counts[i];
    for (let more = true; more; ) {
      const group = x & 31;
      x >>= 5;
      more = group & 16 ? x !== -1 : x !== 0;
      codes.push((more ? group | 32 : group) + FIRST_CHARACTER);
    }
  }
  return asciiOf(codes);
}

/**
 * @param {string} text a compressed counts string
 * @returns {number} of runs in it; each ends with a group that says so
 */
export function numRuns(text) {
  let ended = 0;
  for (let at = 0; at < text.length; at++) if (((text.charCodeAt(at) - FIRST_CHARACTER) & 32) === 0) ended += 1;
  return ended;
}

/**
 * @param {string} text a compressed counts string
 * @returns {number[]} alternating run lengths, zeros first
 * @throws {RleError} for characters outside the alphabet, a cut-off group or a negative run
 */
export function stringToCounts(text) {
  /** @type {number[]} */
  const counts = [];
  for (let at = 0; at < text.length; ) {
    let x = 0;
    let shift = 0;
    for (let more = true; more; shift += 5) {
      const code = at < text.length ? text.charCodeAt(at) : -1;
      if (code < FIRST_CHARACTER || code > LAST_CHARACTER || shift > 30) {
        throw new RleError(`counts are damaged at character ${at}`);
      }
      const group = code - FIRST_CHARACTER;
      at += 1;
      x |= (group & 31) << shift;
      more = (group & 32) !== 0;
      if (!more && group & 16 && shift < 25) x |= -1 << (shift + 5);
    }
    if (counts.length > 2) x += counts[counts.length - 2];
    if (x < 0) throw new RleError(`run ${counts.length} is negative: ${x}`);
    counts.push(x);
  }
  return counts;
}

/**
 * @param {MaskRaster} mask
 * @returns {Rle}
 */
export function encode(mask) {
  return { size: [mask.height, mask.width], counts: countsToString(countsOf(mask)) };
}

/**
 * @param {Rle} rle
 * @returns {MaskRaster} with a tight box
 * @throws {RleError} when the runs do not add up to the size
 */
export const decode = (rle) => decodeReduced(rle, 1);

/**
 * A mask through larger pixels, straight from its runs: the same as `reduced` makes of the decoded mask.
 *
 * @param {Rle} rle
 * @param {number} step side of a large pixel, a whole number
 * @returns {MaskRaster} in large pixels, with a tight box
 * @throws {RleError} when the runs do not add up to the size
 */
export function decodeReduced(rle, step) {
  const [height, width] = rle.size;
  const counts = checkedCounts(rle);
  const [x0, y0, x1, y1] = boxOfCounts(counts, height);
  const box = /** @type {Box} */ ([Math.floor(x0 / step), Math.floor(y0 / step), Math.ceil(x1 / step), Math.ceil(y1 / step)]);
  const bits = bitsOfCounts(counts, height, box, step);
  return { width: Math.ceil(width / step), height: Math.ceil(height / step), box, bits };
}

/**
 * @param {Rle} rle
 * @returns {number} number of set pixels
 */
export function area(rle) {
  return stringToCounts(rle.counts).reduce((sum, run, i) => (i % 2 ? sum + run : sum), 0);
}

/**
 * The tight box of an RLE, without decoding it.
 *
 * @param {Rle} rle
 * @returns {Box} [0, 0, 0, 0] when empty
 */
export function boundingBoxOfRle(rle) {
  return boxOfCounts(checkedCounts(rle), rle.size[0]);
}

/**
 * SHA-256 of the ASCII counts string: what a saved mask is compared by.
 *
 * @param {string} counts
 * @returns {Promise<string>} 64 lower-case hexadecimal digits
 */
export async function sha256Hex(counts) {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(counts));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * Run lengths of a mask, column-major.
 *
 * @param {MaskRaster} mask
 * @returns {number[]}
 */
export function countsOf(mask) {
  const total = mask.width * mask.height;
  const starts = runStarts(mask);
  /** @type {number[]} */
  const counts = new Array(starts.length + 1);
  let previous = 0;
  for (let i = 0; i < starts.length; i++) {
    counts[i] = starts[i] - previous;
    previous = starts[i];
  }
  counts[starts.length] = total - previous;
  if (previous === total) counts.pop();
  return counts;
}

/**
 * @param {Rle} rle
 * @returns {number[]}
 */
function checkedCounts(rle) {
  const [height, width] = rle.size;
  const counts = stringToCounts(rle.counts);
  const sum = counts.reduce((total, run) => total + run, 0);
  if (sum !== height * width) throw new RleError(`runs add up to ${sum}, not to ${height} × ${width}`);
  return counts;
}

/**
 * @param {number[]} counts
 * @param {number} height
 * @returns {Box}
 */
function boxOfCounts(counts, height) {
  let [x0, y0, x1, y1] = [Infinity, Infinity, 0, 0];
  for (let i = 0, start = 0; i < counts.length; start += counts[i++]) {
    if (i % 2 === 0 || counts[i] === 0) continue;
    const last = start + counts[i] - 1;
    const firstColumn = Math.floor(start / height);
    const lastColumn = Math.floor(last / height);
    const crosses = firstColumn !== lastColumn;
    x0 = Math.min(x0, firstColumn);
    x1 = lastColumn + 1;
    y0 = Math.min(y0, crosses ? 0 : start % height);
    y1 = Math.max(y1, crosses ? height : (last % height) + 1);
  }
  return x1 === 0 ? [0, 0, 0, 0] : [x0, y0, x1, y1];
}

/**
 * @param {number[]} counts
 * @param {number} height
 * @param {Box} box tight, in large pixels
 * @param {number} step side of a large pixel
 * @returns {Uint8Array}
 */
function bitsOfCounts(counts, height, [x0, y0, x1, y1], step) {
  const w = x1 - x0;
  const bits = new Uint8Array(w * (y1 - y0));
  for (let i = 0, start = 0; i < counts.length; start += counts[i++]) {
    if (i % 2 === 0) continue;
    const end = start + counts[i];
    for (let at = start; at < end; ) {
      const x = Math.floor(at / height);
      const stop = Math.min(end, (x + 1) * height);
      const top = Math.floor((at - x * height) / step) - y0;
      const foot = Math.ceil((stop - x * height) / step) - y0;
      for (let y = top, to = top * w + Math.floor(x / step) - x0; y < foot; y++, to += w) bits[to] = 1;
      at = stop;
    }
  }
  return bits;
}

/**
 * @param {number[]} codes
 * @returns {string}
 */
function asciiOf(codes) {
  return new TextDecoder('latin1').decode(Uint8Array.from(codes));
}
