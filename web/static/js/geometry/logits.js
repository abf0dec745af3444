/** Low-res logits to masks at image resolution, without ever making the full map of numbers. */

/** @typedef {import('./types.js').MaskRaster} MaskRaster */
/** @typedef {import('./types.js').ModelFrame} ModelFrame */

/**
 * Where the pixels of one image axis lie between the low-res samples.
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
  const columns = axisOf(frame.width, frame.newWidth, frame);
  const rows = axisOf(frame.height, frame.newHeight, frame);
  const spans = new Spans(frame.width, frame.height);
  const line = new LogitLine(lowRes, frame.lowResSize, columns);
  for (let y = 0; y < frame.height; y++) {
    spans.beginRow(y);
    if (line.moveTo(rows.lower[y], rows.upper[y], rows.part[y])) addSpans(line, columns, spans);
  }
  return spans.toRaster();
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
 * @param {number} size image pixels along the axis
 * @param {number} newSize pixels after the resize into the frame
 * @param {ModelFrame} frame
 * @returns {Axis}
 */
function axisOf(size, newSize, { inputSize, lowResSize }) {
  const lower = new Int32Array(size);
  const upper = new Int32Array(size);
  const part = new Float64Array(size);
  const starts = new Int32Array(lowResSize + 1).fill(size);
  for (let pixel = size - 1; pixel >= 0; pixel--) {
    const place = (((pixel + 0.5) * newSize) / size) * (lowResSize / inputSize) - 0.5;
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

/** Spans of set pixels, row by row, until the box is known and bits can be made. */
class Spans {
  #width;
  #height;
  /** First span of each row; one more entry after the last row begun. */
  #rowStarts;
  #ends = new Int32Array(4096);
  #used = 0;
  #row = -1;

  /**
   * @param {number} width
   * @param {number} height
   */
  constructor(width, height) {
    this.#width = width;
    this.#height = height;
    this.#rowStarts = new Int32Array(height + 1);
  }

  /** @param {number} y one after the other, from 0 */
  beginRow(y) {
    this.#row = y;
    this.#rowStarts[y] = this.#used;
  }

  /**
   * @param {number} from
   * @param {number} to half-open; joins the span before it when they meet
   */
  add(from, to) {
    if (from >= to) return;
    if (this.#used > this.#rowStarts[this.#row] && this.#ends[this.#used - 1] === from) {
      this.#ends[this.#used - 1] = to;
      return;
    }
    if (this.#used === this.#ends.length) this.#grow();
    this.#ends[this.#used++] = from;
    this.#ends[this.#used++] = to;
  }

  /** @returns {MaskRaster} */
  toRaster() {
    this.#rowStarts[this.#height] = this.#used;
    const box = this.#box();
    const [x0, y0, x1, y1] = box;
    const bits = new Uint8Array((x1 - x0) * (y1 - y0));
    for (let y = y0; y < y1; y++) {
      const base = (y - y0) * (x1 - x0) - x0;
      for (let i = this.#rowStarts[y]; i < this.#rowStarts[y + 1]; i += 2) {
        bits.fill(1, base + this.#ends[i], base + this.#ends[i + 1]);
      }
    }
    return { width: this.#width, height: this.#height, box, bits };
  }

  /** @returns {import('./types.js').Box} */
  #box() {
    let [x0, y0, x1, y1] = [this.#width, -1, 0, 0];
    for (let y = 0; y < this.#height; y++) {
      const first = this.#rowStarts[y];
      const end = this.#rowStarts[y + 1];
      if (first === end) continue;
      if (y0 < 0) y0 = y;
      y1 = y + 1;
      x0 = Math.min(x0, this.#ends[first]);
      x1 = Math.max(x1, this.#ends[end - 1]);
    }
    return y0 < 0 ? [0, 0, 0, 0] : [x0, y0, x1, y1];
  }

  #grow() {
    const ends = new Int32Array(2 * this.#ends.length);
    ends.set(this.#ends);
    this.#ends = ends;
  }
}
