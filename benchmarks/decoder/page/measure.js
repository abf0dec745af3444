/** Runs decoders in this page; the benchmark's Python side opens the bench and asks for runs in turn. */

import * as ort from '/ort/ort.wasm.min.mjs';
import { maskPicture } from '/js/canvas/mask_bitmap.js';
import { logitsToRaster } from '/js/geometry/logits.js';
import { frameOf } from '/js/geometry/model_frame.js';

const COLOR = /** @type {const} */ ([0, 114, 189]);
const OPACITY = 0.4;
const CLICK = [[0.31, 0.42, 1]];
const FIVE_CLICKS = [
  [0.31, 0.42, 1],
  [0.36, 0.2, 0],
  [0.55, 0.5, 1],
  [0.1, 0.61, 0],
  [0.7, 0.3, 1],
];

/**
 * @typedef {object} Subject
 * @property {string} name
 * @property {number} width channels of the embedding
 * @property {number} grid
 * @property {number} inputSize
 */

/** @type {Record<string, () => Promise<unknown>>} */
const runs = {};

/**
 * Opens the graphs of a network.
 *
 * @param {{subject: Subject, threads: number}} asked
 * @returns {Promise<{names: string[], difference: Record<string, number>}>} what can be run, and how far our
 *   logits are from the published graph's
 */
window.openBench = async ({ subject, threads }) => {
  ort.env.logLevel = 'error';
  ort.env.wasm.numThreads = threads;
  ort.env.wasm.wasmPaths = '/ort/';
  if (!crossOriginIsolated) throw new Error('This page is not cross-origin isolated.');
  const bench = await openBench(subject);
  const difference = await bench.differences();
  Object.assign(runs, bench.decodings(), bench.paintings());
  return { names: Object.keys(runs), difference };
};

/**
 * @param {{name: string, times: number}} asked
 * @returns {Promise<number[]>} milliseconds of each of `times` runs
 */
window.runBench = async ({ name, times }) => {
  const taken = [];
  for (let turn = 0; turn < times; turn++) {
    const start = performance.now();
    await runs[name]();
    taken.push(performance.now() - start);
  }
  return taken;
};

/** @param {Subject} subject */
async function openBench(subject) {
  /** @param {string} name */
  const open = async (name) => {
    const bytes = await (await fetch(`/graphs/${subject.name}/${name}.onnx`)).arrayBuffer();
    return ort.InferenceSession.create(bytes, { executionProviders: ['wasm'], graphOptimizationLevel: 'all' });
  };
  const graphs = {
    prepare: await open('prepare'),
    decode: await open('decode'),
    refine: await open('refine'),
    official: await open('official'),
  };
  const embedding = waves([1, subject.width, subject.grid, subject.grid]);
  const prepared = await graphs.prepare.run({ image_embeddings: embedding });
  return new Bench(subject, graphs, embedding, prepared);
}

class Bench {
  /**
   * @param {Subject} subject
   * @param {Record<string, any>} graphs
   * @param {any} embedding
   * @param {Record<string, any>} prepared
   */
  constructor(subject, graphs, embedding, prepared) {
    this.subject = subject;
    this.graphs = graphs;
    this.embedding = embedding;
    this.prepared = prepared;
    this.canvas = /** @type {HTMLCanvasElement} */ (document.getElementById('shown'));
    this.context = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext('2d'));
    const lowRes = 4 * subject.grid;
    this.frame = frameOf(this.canvas.width, this.canvas.height, subject.inputSize, lowRes);
    this.noMask = tensor(new Float32Array(lowRes * lowRes), [1, 1, lowRes, lowRes]);
    this.click = pointsOf(CLICK, subject.inputSize);
    this.fiveClicks = pointsOf(FIVE_CLICKS, subject.inputSize);
    this.mask = this.noMask;
  }

  /** How far our logits are from the published graph's, for a click and for a refinement. */
  async differences() {
    const first = await this.#official(this.click, null);
    const ours = await this.graphs.decode.run({ ...this.prepared, ...this.click });
    this.mask = first.low_res_masks;
    const second = await this.#official(this.fiveClicks, this.mask);
    const refined = await this.#refine();
    return {
      'first click': farthest(first.low_res_masks.data, chosen(ours, CLICK.length)),
      refinement: farthest(second.low_res_masks.data, chosen(refined, FIVE_CLICKS.length)),
    };
  }

  decodings() {
    return {
      'first click, published': () => this.#official(this.click, null),
      'first click, published without its upscaling': () => this.#official(this.click, null, [2, 3]),
      'first click, ours': () => this.graphs.decode.run({ ...this.prepared, ...this.click }),
      'refinement, published': () => this.#official(this.fiveClicks, this.mask),
      'refinement, published without its upscaling': () => this.#official(this.fiveClicks, this.mask, [2, 3]),
      'refinement, ours': () => this.#refine(),
      'opening an image, ours': () => this.graphs.prepare.run({ image_embeddings: this.embedding }),
    };
  }

  paintings() {
    return {
      'click to pixels, published': async () => {
        const { masks } = await this.#official(this.click, null);
        this.#paintLoop(masks.data);
      },
      'click to pixels, ours': async () => {
        const answer = await this.graphs.decode.run({ ...this.prepared, ...this.click });
        this.#paintSpans(chosen(answer, CLICK.length));
      },
    };
  }

  #refine() {
    return this.graphs.refine.run({ ...this.prepared, ...this.fiveClicks, mask_input: this.mask });
  }

  /**
   * @param {Record<string, any>} points
   * @param {any} mask
   * @param {number[]} size height and width to upscale to
   */
  #official(points, mask, size = [this.canvas.height, this.canvas.width]) {
    return this.graphs.official.run({
      image_embeddings: this.embedding,
      ...points,
      mask_input: mask ?? this.noMask,
      has_mask_input: tensor(Float32Array.of(mask ? 1 : 0), [1]),
      orig_im_size: tensor(Float32Array.from(size), [2]),
    });
  }

  /**
   * As the published demonstration does it: four bytes for every pixel of the image.
   *
   * @param {Float32Array} logits
   */
  #paintLoop(logits) {
    const bytes = new Uint8ClampedArray(4 * logits.length);
    for (let i = 0; i < logits.length; i++) {
      if (logits[i] <= 0) continue;
      bytes[4 * i] = COLOR[0];
      bytes[4 * i + 1] = COLOR[1];
      bytes[4 * i + 2] = COLOR[2];
      bytes[4 * i + 3] = 255 * OPACITY;
    }
    this.context.putImageData(new ImageData(bytes, this.canvas.width, this.canvas.height), 0, 0);
  }

  /** @param {Float32Array} logits */
  #paintSpans(logits) {
    const raster = logitsToRaster(logits, this.frame);
    this.context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    if (!raster.bits.length) return;
    this.context.globalAlpha = OPACITY;
    this.context.drawImage(maskPicture(raster, COLOR), raster.box[0], raster.box[1]);
  }
}

/**
 * @param {Record<string, any>} answer
 * @param {number} clicks
 * @returns {Float32Array} of the candidate that the published rule chooses
 */
function chosen(answer, clicks) {
  const iou = answer.iou_predictions.data;
  const size = answer.low_res_masks.data.length / iou.length;
  const best = clicks > 1 ? 0 : [1, 2, 3].sort((a, b) => iou[b] - iou[a])[0];
  return answer.low_res_masks.data.subarray(best * size, (best + 1) * size);
}

/**
 * @param {Float32Array} a
 * @param {Float32Array} b
 */
function farthest(a, b) {
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i] - b[i]));
  return most;
}

/**
 * @param {number[][]} clicks x and y as shares of the frame, and label
 * @param {number} inputSize
 */
function pointsOf(clicks, inputSize) {
  const padded = [...clicks, [0, 0, -1]];
  const coords = padded.flatMap(([x, y]) => [x * inputSize, y * inputSize]);
  return {
    point_coords: tensor(Float32Array.from(coords), [1, padded.length, 2]),
    point_labels: tensor(Float32Array.from(padded.map((click) => click[2])), [1, padded.length]),
  };
}

/**
 * An embedding of unit variance that changes slowly from cell to cell, as one of a picture does.
 *
 * @param {number[]} dims
 */
function waves(dims) {
  const [, channels, height, width] = dims;
  const values = new Float32Array(channels * height * width);
  for (let c = 0, i = 0; c < channels; c++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++, i++) {
        const phase = 1.7 * c + (x * (1 + (c % 5))) / width + (2 * y * (1 + (c % 3))) / height;
        values[i] = Math.SQRT2 * Math.sin(3 * phase);
      }
    }
  }
  return tensor(values, dims);
}

/**
 * @param {Float32Array} values
 * @param {number[]} dims
 */
function tensor(values, dims) {
  return new ort.Tensor('float32', values, dims);
}
