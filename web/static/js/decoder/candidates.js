/** From what a graph said to the masks that are offered. */

import { logitsToRaster, stabilityScore } from '../geometry/logits.js';
import { placeOf, toFramePoints } from '../geometry/model_frame.js';

/** @typedef {import('../geometry/types.js').Candidate} Candidate */
/** @typedef {import('../geometry/types.js').ModelFrame} ModelFrame */

/** @typedef {{coords: Float32Array, labels: Float32Array}} FramePrompt */

/**
 * What the graph said: logits and predicted IoU of the four tokens.
 * @typedef {{lowRes: Float32Array, iou: Float32Array}} Answer
 */

const NUM_TOKENS = 4;
const MOST_POINTS_FOR_CANDIDATES = 2;

/**
 * Which tokens are offered: the three grains for an ambiguous prompt, else the single mask.
 *
 * @param {number} numPoints with padding and box corners
 * @param {Float32Array} iou predicted IoU of the four tokens
 * @returns {number[]} best first
 */
export function candidateTokens(numPoints, iou) {
  if (numPoints > MOST_POINTS_FOR_CANDIDATES) return [0];
  return [1, 2, 3].sort((a, b) => iou[b] - iou[a]);
}

/**
 * @param {FramePrompt} prompt
 * @param {Answer} answer
 */
export const tokensOf = ({ labels }, { iou }) => candidateTokens(labels.length, iou);

/**
 * @param {number} token
 * @param {Answer} answer
 * @returns {Float32Array} a copy
 */
export function logitsOf(token, { lowRes }) {
  const size = lowRes.length / NUM_TOKENS;
  return lowRes.slice(token * size, (token + 1) * size);
}

/**
 * @param {readonly number[]} tokens best first
 * @param {number | null} grain
 * @returns {number} the one that is wanted, else the best
 */
export function wantedOf(tokens, grain) {
  return tokens.find((token) => token === grain) ?? tokens[0];
}

/**
 * @param {{token: number, predictedIou: number, lowRes: Float32Array}} facts
 * @param {ModelFrame | null} frame without one the mask is not made
 * @returns {Candidate}
 */
export function candidateOf(facts, frame) {
  return { ...facts, stability: stabilityScore(facts.lowRes), mask: frame && logitsToRaster(facts.lowRes, frame) };
}

/**
 * @param {FramePrompt} a
 * @param {FramePrompt} b
 */
export function samePrompt(a, b) {
  return a.labels.length === b.labels.length && a.labels.every((label, i) => label === b.labels[i]) && a.coords.every((place, i) => place === b.coords[i]);
}

/**
 * @param {ModelFrame} frame
 * @returns {FramePrompt}
 */
export function middlePoint(frame) {
  const { x, y } = placeOf(frame);
  const point = { x: x + (frame.width >> 1), y: y + (frame.height >> 1), label: /** @type {1} */ (1) };
  return toFramePoints({ points: [point], box: null }, frame);
}
