/** Low-res logits to masks at image resolution, without ever making the full map of numbers. */

import { isEmptyBox, NO_BOX, overlap } from './boxes.js';
import { boxOfFrame, placeOf } from './model_frame.js';
import { Spans } from './spans.js';

/** @typedef {import('./types.js').Box} Box */
/** @typedef {import('./types.js').MaskRaster} MaskRaster */
/** @typedef {import('./types.js').ModelFrame} ModelFrame */

/**
 * A part of an image, looked at through fewer pixels than it has, or as many.
 * @typedef {object} Part
 * @property {Box} box of the image
 * @property {number} columns pixels across the box
 * @property {number} rows
 */

/**
 * Where the pixels of one axis lie between the low-res samples.
 * @typedef {object} Axis
 * @property {Int32Array} lower index of the sample at or before each pixel
 * @property {Int32Array} upper index of the sample after it, the last one at the end
 * @property {Float64Array} part how far from `lower` to `upper`, 0 to 1
 * @property {Int32Array} starts for each sample the first pixel whose `lower` it is; one more
 *   entry holds the number of pixels
 */

/**
 * Logits nearer to 0 than this share of the largest one are looked at pixel by pixel, because
 * there the rounding of the definition, not the line between two samples, decides the sign.
 */
const UNCERTAIN_SHARE = 1e-10;

/**
 * The mask of low-res logits: bilinear interpolation to image size, then threshold at 0. The same
 * pixels as `upscale_logits(...) > 0` of `common/model_frame.py`, which is the definition.
 *
 * Between two samples of a row the interpolation changes its sign at most once, so only the
 * crossings are computed and the spans between them are filled.
 *
 * @param {Float32Array} lowRes lowResSize² logits, row-major
 * @param {ModelFrame} frame
 * @returns {MaskRaster} with a tight box
 */
export function logitsToRaster(lowRes, frame) {
  const { x, y, width, height } = placeOf(frame);
  const { box, bits } = logitsToPart(lowRes, frame, { box: boxOfFrame(frame), columns: frame.width, rows: frame.height });
  return { width, height, box: isEmptyBox(box) ? NO_BOX : [box[0] + x, box[1] + y, box[2] + x, box[3] + y], bits };
}

/**
 * The same for a part of the image and at another resolution: what a screen can show of the mask.
 *
 * @param {Float32Array} lowRes lowResSize² logits, row-major
 * @param {ModelFrame} frame
 * @param {Part} part
 * @returns {MaskRaster} in pixels of the part, `columns` wide and `rows` high, with a tight box
 */
export function logitsToPart(lowRes, frame, { box, columns: width, rows: height }) {
  const { x: left, y: top } = placeOf(frame);
  const columns = axisOf({ from: box[0] - left, step: (box[2] - box[0]) / width, count: width }, frame.width, frame.newWidth, frame);
  const rows = axisOf({ from: box[1] - top, step: (box[3] - box[1]) / height, count: height }, frame.height, frame.newHeight, frame);
  const spans = new Spans(width, height);
  const line = new LogitLine(lowRes, frame.lowResSize, columns);
  for (let y = 0; y < height; y++) {
    spans.beginRow(y);
    if (line.moveTo(rows.lower[y], rows.upper[y], rows.part[y])) addSpans(line, columns, spans);
  }
  return spans.toRaster();
}

/**
 * Where the mask of these logits may be, without making it.
 *
 * @param {Float32Array} lowRes
 * @param {ModelFrame} frame
 * @returns {Box} whole pixels; contains every pixel of the mask, and hardly more
 */
export function boxOfLogits(lowRes, frame) {
  const { width, height, newWidth, newHeight, inputSize, lowResSize } = frame;
  const { x, y } = placeOf(frame);
  let [left, top, right, foot] = [lowResSize, lowResSize, -1, -1];
  for (let i = 0; i < lowRes.length; i++) {
    if (lowRes[i] <= 0) continue;
    const column = i % lowResSize;
    left = Math.min(left, column);
    right = Math.max(right, column);
    foot = Math.floor(i / lowResSize);
    top = Math.min(top, foot);
  }
  if (right < 0) return NO_BOX;
  const across = ((inputSize / lowResSize) * width) / newWidth;
  const down = ((inputSize / lowResSize) * height) / newHeight;
  const box = /** @type {const} */ ([x + (left - 0.5) * across, y + (top - 0.5) * down, x + (right + 1.5) * across, y + (foot + 1.5) * down]);
  return overlap([Math.floor(box[0]), Math.floor(box[1]), Math.ceil(box[2]), Math.ceil(box[3])], boxOfFrame(frame));
}

/**
 * The stability score: IoU of the logits thresholded at +1 and at -1.
 *
 * @param {Float32Array} lowRes
 * @returns {number} 0 to 1; 0 when no logit is above -1
 */
export function stabilityScore(lowRes) {
  let inner = 0;
  let outer = 0;
  for (let i = 0; i < lowRes.length; i++) {
    if (lowRes[i] > 1) inner += 1;
    if (lowRes[i] > -1) outer += 1;
  }
  return outer === 0 ? 0 : inner / outer;
}

/**
 * @param {{from: number, step: number, count: number}} pixels of the part: where it begins in the image, how far apart
 *   its pixels are and how many
 * @param {number} size image pixels along the axis
 * @param {number} newSize pixels after the resize into the frame
 * @param {ModelFrame} frame
 * @returns {Axis}
 */
function axisOf({ from, step, count }, size, newSize, { inputSize, lowResSize }) {
  const lower = new Int32Array(count);
  const upper = new Int32Array(count);
  const part = new Float64Array(count);
  const starts = new Int32Array(lowResSize + 1).fill(count);
  for (let pixel = count - 1; pixel >= 0; pixel--) {
    const middle = from + (pixel + 0.5) * step;
    const place = ((middle * newSize) / size) * (lowResSize / inputSize) - 0.5;
    const clamped = Math.min(Math.max(place, 0), lowResSize - 1);
    lower[pixel] = Math.floor(clamped);
    upper[pixel] = Math.min(lower[pixel] + 1, lowResSize - 1);
    part[pixel] = clamped - lower[pixel];
    starts[lower[pixel]] = pixel;
  }
  for (let sample = lowResSize - 1; sample >= 0; sample--) {
    starts[sample] = Math.min(starts[sample], starts[sample + 1]);
  }
  return { lower, upper, part, starts };
}

/** One image row of logits: its values at the samples, and exactly at any pixel. */
class LogitLine {
  #lowRes;
  #columns;
  #top = 0;
  #foot = 0;
  #part = 0;

  /**
   * @param {Float32Array} lowRes
   * @param {number} lowResSize
   * @param {Axis} columns
   */
  constructor(lowRes, lowResSize, columns) {
    this.#lowRes = lowRes;
    this.#columns = columns;
    this.samples = new Float64Array(lowResSize);
    this.uncertain = UNCERTAIN_SHARE * lowRes.reduce((most, logit) => Math.max(most, Math.abs(logit)), 0);
  }

  /**
   * @param {number} upperRow row of logits above
   * @param {number} lowerRow row of logits below
   * @param {number} part how far down between them
   * @returns {boolean} whether any pixel may be above 0
   */
  moveTo(upperRow, lowerRow, part) {
    const { samples } = this;
    const lowRes = this.#lowRes;
    const top = upperRow * samples.length;
    const foot = lowerRow * samples.length;
    let most = -Infinity;
    for (let i = 0; i < samples.length; i++) {
      samples[i] = lowRes[top + i] * (1 - part) + lowRes[foot + i] * part;
      if (samples[i] > most) most = samples[i];
    }
    this.#top = top;
    this.#foot = foot;
    this.#part = part;
    return most >= -this.uncertain;
  }

  /**
   * The definition for one pixel, operation by operation.
   *
   * @param {number} x
   * @returns {boolean}
   */
  isAbove(x) {
    const left = this.#columns.lower[x];
    const right = this.#columns.upper[x];
    const across = this.#columns.part[x];
    const lowRes = this.#lowRes;
    const above = lowRes[this.#top + left] * (1 - across) + lowRes[this.#top + right] * across;
    const below = lowRes[this.#foot + left] * (1 - across) + lowRes[this.#foot + right] * across;
    return above * (1 - this.#part) + below * this.#part > 0;
  }
}

/**
 * Adds the spans of a row that are above 0.
 *
 * @param {LogitLine} line
 * @param {Axis} columns
 * @param {Spans} spans
 */
function addSpans(line, columns, spans) {
  const { samples, uncertain } = line;
  const last = samples.length - 1;
  for (let sample = 0; sample <= last; sample++) {
    const from = columns.starts[sample];
    const to = columns.starts[sample + 1];
    const here = samples[sample];
    const next = samples[sample < last ? sample + 1 : last];
    if (from === to || (here < -uncertain && next < -uncertain)) continue;
    if (here > uncertain && next > uncertain) spans.add(from, to);
    else if (Math.abs(here) <= uncertain || Math.abs(next) <= uncertain) addPixels(line, from, to, spans);
    else if (here > 0) spans.add(from, signChange(line, columns.part, from, to, here, next));
    else spans.add(signChange(line, columns.part, from, to, here, next), to);
  }
}

/**
 * @param {LogitLine} line
 * @param {number} from
 * @param {number} to
 * @param {Spans} spans
 */
function addPixels(line, from, to, spans) {
  for (let x = from; x < to; x++) if (line.isAbove(x)) spans.add(x, x + 1);
}

/**
 * The first pixel of a segment on the far side of the crossing: guessed by solving, then made
 * exact with the definition itself.
 *
 * @param {LogitLine} line
 * @param {Float64Array} part
 * @param {number} from
 * @param {number} to
 * @param {number} here value at part 0
 * @param {number} next value at part 1, on the other side of the threshold
 * @returns {number} from `from` to `to`
 */
function signChange(line, part, from, to, here, next) {
  const above = here > 0;
  const crossing = here / (here - next);
  const guess = from + ((crossing - part[from]) * (to - 1 - from)) / (part[to - 1] - part[from] || 1);
  let x = Math.min(Math.max(Math.ceil(guess), from), to);
  while (x > from && line.isAbove(x - 1) !== above) x -= 1;
  while (x < to && line.isAbove(x) === above) x += 1;
  return x;
}
