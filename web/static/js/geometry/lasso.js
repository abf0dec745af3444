/** Lasso: the pixels inside an outline drawn by hand. */

import { emptyMask, subtract, trim, union } from './raster.js';

/** @typedef {import('./types.js').MaskRaster} MaskRaster */
/** @typedef {import('./types.js').Place} Place */

/**
 * Adds or takes away the pixels whose centres are inside an outline (even-odd rule, closed from
 * the last point to the first).
 *
 * @param {MaskRaster} mask
 * @param {readonly Place[]} outline
 * @param {boolean} add
 * @returns {MaskRaster} with a tight box
 */
export function stampLasso(mask, outline, add) {
  const inside = polygonMask(outline, mask.width, mask.height);
  return add ? trim(union(mask, inside)) : subtract(mask, inside);
}

/**
 * @param {readonly Place[]} outline
 * @param {number} width
 * @param {number} height
 * @returns {MaskRaster}
 */
function polygonMask(outline, width, height) {
  const xs = outline.map(({ x }) => x);
  const ys = outline.map(({ y }) => y);
  const x0 = Math.max(0, Math.floor(Math.min(...xs)));
  const y0 = Math.max(0, Math.floor(Math.min(...ys)));
  const x1 = Math.min(width, Math.ceil(Math.max(...xs)));
  const y1 = Math.min(height, Math.ceil(Math.max(...ys)));
  if (outline.length < 3 || x0 >= x1 || y0 >= y1) return emptyMask(width, height);
  const bits = new Uint8Array((x1 - x0) * (y1 - y0));
  for (let y = y0; y < y1; y++) {
    const crossings = crossingsOf(outline, y + 0.5);
    for (let i = 0; i + 1 < crossings.length; i += 2) {
      const from = Math.max(firstCentre(crossings[i]), x0);
      const to = Math.min(firstCentre(crossings[i + 1]), x1);
      const base = (y - y0) * (x1 - x0) - x0;
      if (from < to) bits.fill(1, base + from, base + to);
    }
  }
  return { width, height, box: [x0, y0, x1, y1], bits };
}

/**
 * @param {readonly Place[]} outline
 * @param {number} y a row of pixel centres
 * @returns {number[]} where the outline crosses it, left to right
 */
function crossingsOf(outline, y) {
  const found = [];
  for (let i = 0; i < outline.length; i++) {
    const a = outline[i];
    const b = outline[(i + 1) % outline.length];
    if (a.y <= y !== b.y <= y) found.push(a.x + ((y - a.y) / (b.y - a.y)) * (b.x - a.x));
  }
  return found.sort((p, q) => p - q);
}

/**
 * @param {number} x
 * @returns {number} the first pixel whose centre is not left of x
 */
function firstCentre(x) {
  return Math.ceil(x - 0.5);
}
