/**
 * As much of a mask as can be seen: no pixels smaller than the screen's, and of a large mask only what is near.
 * A mask on a 100-megapixel image is drawn at the cost of the screen, not of the image.
 *
 * @typedef {import('../geometry/types.js').Box} Box
 * @typedef {import('../geometry/types.js').MaskRaster} MaskRaster
 *
 * @typedef {object} Detail
 * @property {MaskRaster} mask in pixels of `step` image pixels
 * @property {number} step
 */
import { overlap } from '../geometry/boxes.js';
import { bitsIn } from '../geometry/crop.js';
import { reduced } from '../geometry/reduced.js';

/** A mask with fewer pixels than this is drawn whole. */
const SMALL = 2 ** 20;
/** Large masks are cut along this grid, so that a small pan needs no other cut. */
const CELL = 512;
const KEPT = 4;

/** @type {WeakMap<MaskRaster, Map<string, MaskRaster>>} */
const made = new WeakMap();

/**
 * @param {number} scale device pixels per image pixel
 * @returns {number} image pixels, a power of two, that become no more than one device pixel
 */
export const stepFor = (scale) => 2 ** Math.max(0, Math.floor(Math.log2(1 / scale)));

/**
 * @param {MaskRaster} mask
 * @param {number} scale device pixels per image pixel
 * @param {Box} [visible] image pixels, need not be whole; everything when absent
 * @returns {Detail} of no pixel smaller than half a device pixel
 */
export function detailOf(mask, scale, visible) {
  return detailAt((step) => (step === 1 ? mask : kept(mask, `by ${step}`, () => reduced(mask, step))), scale, visible);
}

/**
 * The same of a mask that is made as coarse as it is needed.
 *
 * @param {(step: number) => MaskRaster} maskAt in pixels of `step` image pixels
 * @param {number} scale device pixels per image pixel
 * @param {Box} [visible] image pixels
 * @returns {Detail}
 */
export function detailAt(maskAt, scale, visible) {
  const step = stepFor(scale);
  const coarse = maskAt(step);
  const [x0, y0, x1, y1] = coarse.box;
  if (!visible || (x1 - x0) * (y1 - y0) <= SMALL) return { mask: coarse, step };
  const box = overlap(coarse.box, cellsAround(visible, step));
  return { mask: kept(coarse, `in ${box}`, () => ({ ...coarse, box, bits: bitsIn(coarse, box) })), step };
}

/**
 * @param {Box} visible
 * @param {number} step
 * @returns {Box} with at least half a cell around
 */
function cellsAround([x0, y0, x1, y1], step) {
  const below = (/** @type {number} */ at) => CELL * Math.floor((at / step - CELL / 2) / CELL);
  const above = (/** @type {number} */ at) => CELL * Math.ceil((at / step + CELL / 2) / CELL);
  return [below(x0), below(y0), above(x1), above(y1)];
}

/**
 * @param {MaskRaster} mask
 * @param {string} name
 * @param {() => MaskRaster} make
 * @returns {MaskRaster} the same one as long as it is among the latest
 */
function kept(mask, name, make) {
  const known = made.get(mask) ?? new Map();
  made.set(mask, known);
  const found = known.get(name) ?? make();
  known.delete(name);
  known.set(name, found);
  if (known.size > KEPT) known.delete(known.keys().next().value);
  return found;
}

/**
 * @param {Detail} detail
 * @returns {[x: number, y: number, width: number, height: number]} of its box, in image pixels
 */
export function placeOf({ mask: { box }, step }) {
  return [box[0] * step, box[1] * step, (box[2] - box[0]) * step, (box[3] - box[1]) * step];
}
