/**
 * Pixels that a person decided on, by brush, eraser, lasso or clean-up: no click changes them.
 *
 * @typedef {import('./types.js').Mask} Mask
 * @typedef {import('./types.js').Painted} Painted
 * @typedef {import('./types.js').Stroke} Stroke
 * @typedef {import('./types.js').Step} Step
 * @typedef {import('./types.js').MaskRaster} MaskRaster
 * @typedef {import('./rasters.js').Size} Size
 */
import { stampStroke } from '../geometry/brush.js';
import { stampLasso } from '../geometry/lasso.js';
import { subtract, union } from '../geometry/raster.js';
import { emptyRaster, isEmpty, rasterOf, rleOf } from './rasters.js';

/** @type {Painted} */
export const UNPAINTED = Object.freeze({ add: null, remove: null });

/**
 * @param {MaskRaster} raster
 * @param {Painted} painted
 * @returns {MaskRaster} with the pixels a person decided on
 */
export function withPainted(raster, painted) {
  const added = painted.add ? union(raster, rasterOf(painted.add)) : raster;
  return painted.remove ? subtract(added, rasterOf(painted.remove)) : added;
}

/**
 * A person has the last word on some more pixels.
 *
 * @param {Painted} painted
 * @param {MaskRaster} area
 * @param {boolean} adds  whether they belong to the mask
 * @returns {Painted}
 */
export function decided(painted, area, adds) {
  const add = painted.add ? rasterOf(painted.add) : null;
  const remove = painted.remove ? rasterOf(painted.remove) : null;
  return {
    add: keep(adds ? (add ? union(add, area) : area) : add && subtract(add, area)),
    remove: keep(adds ? remove && subtract(remove, area) : remove ? union(remove, area) : area),
  };
}

/** @param {MaskRaster | null} raster */
const keep = (raster) => (raster && !isEmpty(raster) ? rleOf(raster) : null);

/**
 * The pixels a stroke covers.
 *
 * @param {Size} size
 * @param {Stroke} stroke
 * @returns {MaskRaster}
 */
export function strokeArea(size, stroke) {
  const places = stroke.points.map(([x, y]) => ({ x, y }));
  if (stroke.shape === 'lasso') return stampLasso(emptyRaster(size), places, true);
  return stampStroke(emptyRaster(size), places, stroke.size, stroke.shape, true);
}

/**
 * What a person painted, from the strokes that came with a mask made on another device.
 *
 * @param {Mask} mask
 * @returns {Painted}
 */
export function repainted(mask) {
  const [height, width] = mask.rle.size;
  const size = { width, height };
  const strokes = /** @type {Stroke[]} */ (/** @type {unknown} */ (mask.steps.filter(isStroke)));
  return strokes.reduce((painted, stroke) => decided(painted, strokeArea(size, stroke), stroke.mode === 'brush'), UNPAINTED);
}

/** @param {Step} step */
function isStroke({ kind, mode, points }) {
  return kind === 'stroke' && (mode === 'brush' || mode === 'eraser') && Array.isArray(points);
}
