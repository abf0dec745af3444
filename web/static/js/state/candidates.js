/**
 * The masks that the decoder offers for the object in hand.
 *
 * @typedef {import('./types.js').Current} Current
 * @typedef {import('./types.js').Candidate} Candidate
 * @typedef {import('./types.js').MaskRaster} MaskRaster
 */
import { logitsToRaster } from '../geometry/logits.js';
import { rasterOf } from './rasters.js';

/** @param {Current} current */
export const chosenCandidate = (current) => current.candidates[current.chosen] ?? null;

/**
 * @param {Candidate} candidate
 * @returns {MaskRaster | null}
 */
export function candidateRaster({ mask, rle, lowRes, frame }) {
  if (mask) return mask;
  if (rle) return rasterOf(rle);
  return lowRes && frame ? fromLogits(lowRes, frame) : null;
}

/** @type {WeakMap<Float32Array, MaskRaster>} */
const made = new WeakMap();

/**
 * @param {Float32Array} lowRes
 * @param {import('../geometry/types.js').ModelFrame} frame
 * @returns {MaskRaster}
 */
function fromLogits(lowRes, frame) {
  const raster = made.get(lowRes) ?? logitsToRaster(lowRes, frame);
  made.set(lowRes, raster);
  return raster;
}
