/**
 * The masks that are offered for the object in hand.
 *
 * @typedef {import('./types.js').Current} Current
 * @typedef {import('./types.js').Candidate} Candidate
 * @typedef {import('./types.js').MaskRaster} MaskRaster
 */
import { logitsToRaster } from '../geometry/logits.js';
import { changedAt } from '../geometry/pieces.js';
import { withPainted } from './painted.js';
import { rasterOf, rleOf } from './rasters.js';

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

/**
 * The answer to clicks on a mask that was opened again, twice: with the rest of the mask as it was, and whole. A piece is
 * connected by sides or corners and is of the difference between the mask as it is shown and the answer, at image
 * resolution (docs/decisions/mask-prompts.md).
 *
 * @param {Current} current  before it is answered
 * @param {readonly Candidate[]} candidates  the decoder's
 * @returns {readonly Candidate[]} the same where there is nothing to choose
 */
export function offered({ reopened, base, newPoints, painted }, candidates) {
  const [answer] = candidates;
  const answered = answer && candidateRaster(answer);
  if (!reopened || !base || !newPoints?.length || !answered || candidates.length > 1) return candidates;
  const whole = withPainted(answered, painted);
  const changed = changedAt(withPainted(rasterOf(base), painted), whole, newPoints);
  if (changed === whole) return candidates;
  return [
    { ...answer, predictedIou: null, mask: null, rle: rleOf(changed), atClickOnly: true },
    { ...answer, atClickOnly: false },
  ];
}
