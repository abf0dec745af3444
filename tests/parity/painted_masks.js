// Paints masks at random as the workbench does: `node painted_masks.js SEED COUNT`, a line of JSON for each.
import { createHash } from 'node:crypto';

import { stampLasso } from '../../web/static/js/geometry/lasso.js';
import { emptyMask, stampStroke } from '../../web/static/js/geometry/raster.js';
import { encode } from '../../web/static/js/geometry/rle.js';

/** @typedef {import('../../web/static/js/geometry/types.js').MaskRaster} MaskRaster */

const SIZES = [[16, 16], [16, 37], [41, 16], [17, 19], [23, 18], [31, 64], [63, 32], [97, 101], [129, 45], [311, 200]];
const MOST_ACTS = 6;
const MOST_POINTS = 5;

/**
 * Numbers from 0 to 1 that a seed decides (mulberry32).
 * @param {number} seed
 * @returns {() => number}
 */
function numbersFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * One stroke or lasso, now and then outside of the image; the first act always adds.
 * @param {MaskRaster} mask
 * @param {() => number} next
 * @param {boolean} isFirst
 * @returns {MaskRaster}
 */
function act(mask, next, isFirst) {
  const adds = isFirst || next() < 0.6;
  const isLasso = next() < 0.3;
  const count = isLasso ? 3 + Math.floor(next() * MOST_POINTS) : 1 + Math.floor(next() * MOST_POINTS);
  const points = Array.from({ length: count }, () => ({ x: (next() * 1.4 - 0.2) * mask.width, y: (next() * 1.4 - 0.2) * mask.height }));
  if (isLasso) return stampLasso(mask, points, adds);
  const size = 1 + Math.floor(next() ** 3 * 80);
  return stampStroke(mask, points, size, next() < 0.5 ? 'circle' : 'square', adds);
}

/**
 * All pixels row by row, a byte each.
 * @param {MaskRaster} mask
 * @returns {Uint8Array}
 */
function pixels({ width, height, box: [x0, y0, x1, y1], bits }) {
  const all = new Uint8Array(width * height);
  for (let y = y0; y < y1; y++) all.set(bits.subarray((y - y0) * (x1 - x0), (y - y0 + 1) * (x1 - x0)), y * width + x0);
  return all;
}

/**
 * @param {() => number} next
 * @param {number} number
 * @returns {MaskRaster} with at least one pixel: an empty mask is not accepted
 */
function paint(next, number) {
  const [width, height] = SIZES[number % SIZES.length];
  let mask = emptyMask(width, height);
  const acts = 1 + Math.floor(next() * MOST_ACTS);
  for (let done = 0; done < acts || mask.bits.length === 0; done++) mask = act(mask, next, mask.bits.length === 0);
  return mask;
}

const [, , seed, count] = process.argv.map(Number);
const next = numbersFrom(seed);
const lines = [];
for (let number = 0; number < count; number++) {
  const mask = paint(next, number);
  lines.push(JSON.stringify({ rle: encode(mask), pixels: createHash('sha256').update(pixels(mask)).digest('hex') }));
}
process.stdout.write(`${lines.join('\n')}\n`);
