/** Clean-up of a mask: holes filled, specks dropped, by connected regions of row runs. */

import { trim } from './crop.js';

/** @typedef {import('./types.js').MaskRaster} MaskRaster */

/**
 * One run of equal pixels in a row of the box.
 * @typedef {object} Run
 * @property {number} y row within the box
 * @property {number} from first column within the box
 * @property {number} to column after the last
 */

/**
 * Fills holes and drops specks smaller than `minArea`. A hole is a background region (connected
 * by sides) that does not reach the border of the mask's box; a speck is a foreground
 * region (connected by sides or corners). The largest region always stays.
 *
 * @param {MaskRaster} mask
 * @param {number} minArea in pixels; regions below it go
 * @returns {MaskRaster} with a tight box
 */
export function cleanUp(mask, minArea) {
  const tight = trim(mask);
  const bits = tight.bits.slice();
  const w = tight.box[2] - tight.box[0];
  const h = tight.box[3] - tight.box[1];
  for (const region of regionsOf(runsOf(bits, w, h, 0), 0)) {
    if (region.area < minArea && !reachesBorder(region.runs, w, h)) paint(bits, w, region.runs, 1);
  }
  const regions = regionsOf(runsOf(bits, w, h, 1), 1);
  const largest = regions.reduce((most, region) => Math.max(most, region.area), 0);
  const first = regions.findIndex((region) => region.area === largest);
  regions.forEach((region, i) => {
    if (region.area < minArea && i !== first) paint(bits, w, region.runs, 0);
  });
  return trim({ ...tight, bits });
}

/**
 * @param {Uint8Array} bits
 * @param {number} w
 * @param {number} h
 * @param {number} value which pixels
 * @returns {Run[]} row by row, left to right
 */
function runsOf(bits, w, h, value) {
  const other = 1 - value;
  /** @type {Run[]} */
  const runs = [];
  for (let y = 0; y < h; y++) {
    const row = bits.subarray(y * w, (y + 1) * w);
    for (let from = row.indexOf(value); from >= 0; ) {
      const stop = row.indexOf(other, from);
      const to = stop < 0 ? w : stop;
      runs.push({ y, from, to });
      from = row.indexOf(value, to);
    }
  }
  return runs;
}

/**
 * @param {Run[]} runs
 * @param {number} reach 0 joins runs that share a side, 1 also those that share a corner
 * @returns {{area: number, runs: Run[]}[]} in the order of their first run
 */
function regionsOf(runs, reach) {
  const parents = joinedRuns(runs, reach);
  /** @type {Map<number, {area: number, runs: Run[]}>} */
  const regions = new Map();
  runs.forEach((run, i) => {
    const root = rootOf(parents, i);
    const region = regions.get(root) ?? { area: 0, runs: [] };
    region.area += run.to - run.from;
    region.runs.push(run);
    regions.set(root, region);
  });
  return [...regions.values()];
}

/**
 * Union-find over runs that touch a run of the row above.
 *
 * @param {Run[]} runs
 * @param {number} reach
 * @returns {Int32Array} the parent of each run
 */
function joinedRuns(runs, reach) {
  const parents = Int32Array.from(runs, (_, i) => i);
  for (let i = 0, above = 0; i < runs.length; i++) {
    const run = runs[i];
    while (runs[above].y < run.y - 1) above += 1;
    while (runs[above].y === run.y - 1 && runs[above].to + reach <= run.from) above += 1;
    for (let j = above; runs[j].y === run.y - 1 && runs[j].from < run.to + reach; j++) {
      parents[rootOf(parents, i)] = rootOf(parents, j);
    }
  }
  return parents;
}

/**
 * @param {Int32Array} parents
 * @param {number} i
 * @returns {number}
 */
function rootOf(parents, i) {
  while (parents[i] !== i) {
    parents[i] = parents[parents[i]];
    i = parents[i];
  }
  return i;
}

/**
 * @param {Run[]} runs
 * @param {number} w
 * @param {number} h
 * @returns {boolean}
 */
function reachesBorder(runs, w, h) {
  return runs.some((run) => run.y === 0 || run.y === h - 1 || run.from === 0 || run.to === w);
}

/**
 * @param {Uint8Array} bits
 * @param {number} w
 * @param {Run[]} runs
 * @param {number} value
 */
function paint(bits, w, runs, value) {
  for (const run of runs) bits.fill(value, run.y * w + run.from, run.y * w + run.to);
}
