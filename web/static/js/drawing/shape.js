/**
 * A mask that is yet to be drawn, at whatever detail is needed: made already, or still logits.
 *
 * @typedef {import('../geometry/types.js').Box} Box
 * @typedef {import('../geometry/types.js').MaskRaster} MaskRaster
 * @typedef {import('../geometry/types.js').ModelFrame} ModelFrame
 * @typedef {import('./detail.js').Detail} Detail
 *
 * @typedef {object} Shape
 * @property {Box} box of the image; contains the mask
 * @property {(scale: number) => Detail} detail for so many device pixels per image pixel
 */
import { boxOfLogits, logitsToPart } from '../geometry/logits.js';
import { placeOf } from '../geometry/model_frame.js';
import { detailAt, detailOf, stepFor } from './detail.js';

/**
 * @param {MaskRaster} mask
 * @returns {Shape}
 */
export function shapeOfMask(mask) {
  return { box: mask.box, detail: (scale) => detailOf(mask, scale) };
}

/**
 * @param {Box} box of the mask
 * @param {(step: number) => MaskRaster} maskAt in pixels of `step` image pixels
 * @returns {Shape}
 */
export function shapeInBox(box, maskAt) {
  return { box, detail: (scale) => detailAt(maskAt, scale) };
}

/**
 * @param {Float32Array} lowRes
 * @param {ModelFrame} frame
 * @returns {Shape}
 */
export function shapeOfLogits(lowRes, frame) {
  const box = boxOfLogits(lowRes, frame);
  return { box, detail: (scale) => ({ mask: coarse(lowRes, frame, box, stepFor(scale)), step: stepFor(scale) }) };
}

/**
 * @param {Float32Array} lowRes
 * @param {ModelFrame} frame
 * @param {Box} box
 * @param {number} step
 * @returns {MaskRaster} in pixels of `step` image pixels
 */
function coarse(lowRes, frame, box, step) {
  const [left, top, right, foot] = [Math.floor(box[0] / step), Math.floor(box[1] / step), Math.ceil(box[2] / step), Math.ceil(box[3] / step)];
  const part = { box: /** @type {Box} */ ([left * step, top * step, right * step, foot * step]), columns: right - left, rows: foot - top };
  const { box: inPart, bits } = logitsToPart(lowRes, frame, part);
  const [x0, y0, x1, y1] = inPart;
  const isEmpty = x0 >= x1;
  return {
    width: Math.ceil(placeOf(frame).width / step),
    height: Math.ceil(placeOf(frame).height / step),
    box: isEmpty ? inPart : [x0 + left, y0 + top, x1 + left, y1 + top],
    bits,
  };
}
