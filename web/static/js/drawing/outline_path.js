/**
 * The outline of a mask as a path to draw, kept while the mask lives.
 *
 * @typedef {import('../geometry/types.js').MaskRaster} MaskRaster
 * @typedef {import('./detail.js').Detail} Detail
 */
import { thinned, traceLoops } from '../geometry/outline.js';

/** @type {WeakMap<MaskRaster, {loops: Int32Array[], paths: Map<number, Path2D>}>} */
const traced = new WeakMap();

/**
 * @param {Detail} detail
 * @param {number} scale  CSS pixels per image pixel
 * @returns {Path2D} in image pixels, exact from scale 1 upwards
 */
export function outlinePath({ mask, step }, scale) {
  const known = traced.get(mask) ?? { loops: traceLoops(mask), paths: new Map() };
  traced.set(mask, known);
  const tolerance = scale >= 1 ? 0 : 2 ** Math.floor(Math.log2(1.5 / scale)) / step;
  const path = known.paths.get(tolerance) ?? pathOf(thinned(known.loops, tolerance), step);
  known.paths.set(tolerance, path);
  return path;
}

/**
 * @param {number[][]} loops
 * @param {number} step  image pixels between two whole numbers
 * @returns {Path2D}
 */
function pathOf(loops, step) {
  const path = new Path2D();
  for (const loop of loops) {
    path.moveTo(loop[0] * step, loop[1] * step);
    for (let i = 2; i < loop.length; i += 2) path.lineTo(loop[i] * step, loop[i + 1] * step);
    path.closePath();
  }
  return path;
}
