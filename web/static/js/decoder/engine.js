/** Decoding without knowing which library runs the graphs: models, prepared images, candidates. */

import { logitsToPart } from '../geometry/logits.js';
import { leavesFrame } from '../geometry/crop_frame.js';
import { frameOf, frameOfCrop, toFramePoints } from '../geometry/model_frame.js';
import { fetchBundle, fetchManifest } from './bundle.js';
import { candidateOf, logitsOf, middlePoint, samePrompt, tokensOf, wantedOf } from './candidates.js';
import { decodeEmbedding } from './embedding_format.js';
import { DecoderError } from './errors.js';
import { Recent } from './recent.js';

/** @typedef {import('../geometry/types.js').Candidate} Candidate */
/** @typedef {import('../geometry/types.js').ModelFrame} ModelFrame */
/** @typedef {import('../geometry/types.js').MaskRaster} MaskRaster */
/** @typedef {import('../geometry/types.js').Prompt} Prompt */
/** @typedef {import('../geometry/logits.js').Part} Part */
/** @typedef {import('./bundle.js').Manifest} Manifest */
/** @typedef {import('./downloads.js').Download} Download */

/** @typedef {{values: Float32Array, dims: readonly number[]}} Values */

/**
 * One graph, ready to run.
 * @typedef {object} Graph
 * @property {(feeds: Record<string, any>) => Promise<Record<string, any>>} run tensors by name to
 *   tensors by name
 * @property {() => Promise<void>} release
 */

/**
 * What runs graphs; the worker makes it of onnxruntime-web.
 * @typedef {object} Runtime
 * @property {(bytes: Uint8Array) => Promise<Graph>} graph
 * @property {(values: Values) => any} tensor
 * @property {(tensor: any) => Float32Array} valuesOf
 */

/**
 * @typedef {object} Model
 * @property {Manifest} manifest
 * @property {Graph} prepare
 * @property {Graph} decode without a mask prompt
 * @property {Graph} refine with a mask prompt
 */

/** @typedef {{model: Model, frame: ModelFrame, prepared: Record<string, any>}} OpenImage */

/** @typedef {import('./candidates.js').Answer} Answer */
/** @typedef {import('./candidates.js').FramePrompt} FramePrompt */
/** @typedef {import('./types.js').ImageAddress} ImageAddress */
/** @typedef {import('./types.js').LoadedModel} LoadedModel */

const MODELS_KEPT = 2;
const IMAGES_PREPARED = 3;
const EMBEDDINGS_KEPT = 6;
const TEST_RUNS = 3;

export class DecoderEngine {
  #runtime;
  #download;
  /** @type {Recent<Model>} */
  #models = new Recent(MODELS_KEPT);
  /** @type {Recent<OpenImage>} */
  #images = new Recent(IMAGES_PREPARED);
  /** @type {Recent<Promise<ArrayBuffer>>} */
  #embeddings = new Recent(EMBEDDINGS_KEPT);
  /** @type {WeakSet<Model>} */
  #warm = new WeakSet();
  /** @type {Promise<unknown>} */
  #lastRun = Promise.resolve();
  /** @type {string | null} */
  #latestModel = null;
  /** The newest answer without a mask prompt: often a preview of the very click that comes next. @type {{image: OpenImage, prompt: FramePrompt, answer: Answer} | null} */
  #latest = null;

  /**
   * @param {Runtime} runtime
   * @param {Download} download
   */
  constructor(runtime, download) {
    this.#runtime = runtime;
    this.#download = download;
  }

  /**
   * @param {import('./bundle.js').BundleAddress} address
   * @returns {Promise<LoadedModel>}
   */
  async loadModel({ manifestUrl, filesUrl }) {
    const manifest = await fetchManifest(manifestUrl, this.#download);
    const fingerprint = manifest.bundle_fingerprint;
    if (!this.#models.get(fingerprint)) {
      const model = await this.#build(manifest, filesUrl);
      const dropped = this.#models.set(fingerprint, model);
      if (dropped) await this.#alone(() => releaseGraphs(dropped));
    }
    this.#latestModel = fingerprint;
    return {
      bundleFingerprint: fingerprint,
      encoderFingerprint: manifest.encoder_fingerprint,
      inputSize: manifest.input_size,
      lowResSize: manifest.low_res,
    };
  }

  /**
   * @param {ImageAddress} address
   * @returns {Promise<ModelFrame>}
   */
  async openImage(address) {
    const model = this.#modelOf(address.bundleFingerprint);
    const open = this.#images.get(address.imageKey);
    if (open?.model === model) return open.frame;
    const { header, values } = await this.#embedding(address);
    const frame = checkedFrame(header, model.manifest, address);
    const image = await this.#alone(async () => ({ model, frame, prepared: await this.#prepare(model, values) }));
    this.#images.set(address.imageKey, image);
    if (!this.#warm.has(model)) await this.#warmUp(image);
    return frame;
  }

  /**
   * @param {ImageAddress} address
   * @returns {Promise<void>}
   */
  async prefetchImage(address) {
    await this.#embeddingBytes(address);
  }

  /**
   * @param {import('./types.js').DecodeRequest} request
   * @returns {Promise<{candidates: Candidate[], wasKnown: boolean}>} best predicted IoU first; `wasKnown`: a preview had
   *   asked the same already
   */
  async decode({ imageKey, prompt, maskInput, grain }) {
    const image = this.#imageOf(imageKey);
    const asked = toFramePoints(prompt, image.frame);
    const { answer, wasKnown } = await this.#answer(image, asked, maskInput);
    const tokens = tokensOf(asked, answer);
    const wanted = grain === undefined ? tokens : [wantedOf(tokens, grain)];
    const candidates = tokens.map((token) => {
      const facts = { token, predictedIou: answer.iou[token], lowRes: logitsOf(token, answer) };
      return candidateOf(facts, wanted.includes(token) ? image.frame : null);
    });
    return { candidates, wasKnown };
  }

  /**
   * The mask that a prompt would give, as the screen can show it.
   *
   * @param {{imageKey: string, cropKey?: string | null, prompt: Prompt, grain: number | null, part: Part}} request
   *   `grain`: the token that is wanted if it is offered
   * @returns {Promise<{mask: MaskRaster, wasKnown: boolean}>} in pixels of the part
   */
  async preview({ imageKey, cropKey, prompt, grain, part }) {
    const crop = cropKey ? this.#images.get(cropKey) : undefined;
    const image = this.#imageOf(imageKey);
    const inCrop = crop ? await this.#wantedLogits(crop, prompt, grain) : null;
    const stays = crop && inCrop && !leavesFrame(inCrop.logits, crop.frame);
    const { logits, wasKnown } = stays ? inCrop : await this.#wantedLogits(image, prompt, grain);
    return { mask: logitsToPart(logits, stays ? crop.frame : image.frame, part), wasKnown };
  }

  /**
   * @param {OpenImage} image
   * @param {Prompt} prompt
   * @param {number | null} grain
   * @returns {Promise<{logits: Float32Array, wasKnown: boolean}>}
   */
  async #wantedLogits(image, prompt, grain) {
    const asked = toFramePoints(prompt, image.frame);
    const { answer, wasKnown } = await this.#answer(image, asked, null);
    await nextTurn();
    return { logits: logitsOf(wantedOf(tokensOf(asked, answer), grain), answer), wasKnown };
  }

  /**
   * How long one decode takes here: the median of a few on an empty image.
   *
   * @returns {Promise<number>} milliseconds
   */
  async selfTest() {
    const model = this.#modelOf();
    const { embed_dim, grid, input_size, low_res } = model.manifest;
    const frame = frameOf(input_size, input_size, input_size, low_res);
    const empty = new Float32Array(embed_dim * grid * grid);
    const prepared = await this.#alone(() => this.#prepare(model, empty));
    const image = { model, frame, prepared };
    await this.#warmUp(image);
    const times = [];
    for (let run = 0; run < TEST_RUNS; run++) times.push(await this.#timedDecode(image));
    return times.sort((a, b) => a - b)[TEST_RUNS >> 1];
  }

  /**
   * @param {Manifest} manifest
   * @param {string} filesUrl
   * @returns {Promise<Model>}
   */
  async #build(manifest, filesUrl) {
    const { graphs } = await fetchBundle(manifest, filesUrl, this.#download);
    return this.#alone(async () => ({
      manifest,
      prepare: await this.#runtime.graph(graphs.prepare),
      decode: await this.#runtime.graph(graphs.decode),
      refine: await this.#runtime.graph(graphs.refine),
    }));
  }

  /**
   * @param {string} [fingerprint]
   * @returns {Model}
   */
  #modelOf(fingerprint = this.#latestModel ?? undefined) {
    const model = fingerprint === undefined ? undefined : this.#models.get(fingerprint);
    if (!model) throw new DecoderError('no_model', `The model ${fingerprint ?? ''} is not loaded in the decoder.`);
    return model;
  }

  /**
   * The verified embedding; one that was damaged on the way is asked for once more, past the cache.
   *
   * @param {ImageAddress} address
   * @returns {Promise<import('./embedding_format.js').Embedding>}
   */
  async #embedding(address) {
    try {
      return await decodeEmbedding(await this.#embeddingBytes(address), address.expected);
    } catch (error) {
      this.#embeddings.delete(address.embeddingUrl);
      if (!(error instanceof DecoderError) || error.code !== 'damaged_embedding') throw error;
      return decodeEmbedding(await this.#download(address.embeddingUrl, { fresh: true }), address.expected);
    }
  }

  /**
   * @param {ImageAddress} address
   * @returns {Promise<ArrayBuffer>}
   */
  #embeddingBytes({ embeddingUrl }) {
    const known = this.#embeddings.get(embeddingUrl);
    if (known) return known;
    const coming = this.#download(embeddingUrl);
    this.#embeddings.set(embeddingUrl, coming);
    coming.catch(() => this.#embeddings.delete(embeddingUrl));
    return coming;
  }

  /**
   * @param {Model} model
   * @param {Float32Array} values of the embedding
   * @returns {Promise<Record<string, any>>}
   */
  #prepare(model, values) {
    const { embed_dim, grid } = model.manifest;
    return model.prepare.run({ image_embeddings: this.#runtime.tensor({ values, dims: [1, embed_dim, grid, grid] }) });
  }

  /**
   * @param {string} imageKey
   * @returns {OpenImage}
   */
  #imageOf(imageKey) {
    const image = this.#images.get(imageKey);
    if (image) return image;
    throw new DecoderError('unknown_image', `The image ${imageKey} is not open in the decoder.`);
  }

  /**
   * @param {OpenImage} image
   * @param {FramePrompt} prompt
   * @param {Float32Array | null} maskInput
   * @returns {Promise<{answer: Answer, wasKnown: boolean}>}
   */
  #answer(image, prompt, maskInput) {
    return this.#alone(async () => {
      const latest = this.#latest;
      if (!maskInput && latest?.image === image && samePrompt(latest.prompt, prompt)) return { answer: latest.answer, wasKnown: true };
      const answer = await this.#run(image, prompt, maskInput);
      if (!maskInput) this.#latest = { image, prompt, answer };
      return { answer, wasKnown: false };
    });
  }

  /**
   * @param {OpenImage} image
   * @param {FramePrompt} prompt
   * @param {Float32Array | null} maskInput
   * @returns {Promise<Answer>}
   */
  async #run({ model, prepared }, { coords, labels }, maskInput) {
    const { tensor, valuesOf } = this.#runtime;
    const side = model.manifest.low_res;
    const feeds = {
      ...prepared,
      point_coords: tensor({ values: coords, dims: [1, labels.length, 2] }),
      point_labels: tensor({ values: labels, dims: [1, labels.length] }),
    };
    const outputs = maskInput
      ? await model.refine.run({ ...feeds, mask_input: tensor({ values: maskInput, dims: [1, 1, side, side] }) })
      : await model.decode.run(feeds);
    return { lowRes: valuesOf(outputs.low_res_masks), iou: valuesOf(outputs.iou_predictions) };
  }

  /**
   * The first runs of a graph are slow: no click shall pay for them.
   *
   * @param {OpenImage} image
   */
  async #warmUp(image) {
    const middle = middlePoint(image.frame);
    const mask = new Float32Array(image.frame.lowResSize ** 2);
    await this.#alone(() => this.#run(image, middle, null));
    await this.#alone(() => this.#run(image, middle, mask));
    this.#warm.add(image.model);
  }

  /**
   * @param {OpenImage} image
   * @returns {Promise<number>}
   */
  async #timedDecode(image) {
    return this.#alone(async () => {
      const began = performance.now();
      await this.#run(image, middlePoint(image.frame), null);
      return performance.now() - began;
    });
  }

  /**
   * Runs one act after the other: a graph must not be started while one runs.
   *
   * @template Result
   * @param {() => Promise<Result>} act
   * @returns {Promise<Result>}
   */
  #alone(act) {
    const mine = this.#lastRun.then(act);
    this.#lastRun = mine.catch(() => undefined);
    return mine;
  }
}

/**
 * The frame of an embedding, which must be of the whole image or of the crop that was meant, and fit the model.
 *
 * @param {import('./embedding_format.js').EmbeddingHeader} header
 * @param {Manifest} manifest
 * @param {ImageAddress} address
 * @returns {ModelFrame}
 */
function checkedFrame(header, manifest, { crop, size }) {
  const [height, width] = header.size;
  const { input_size, low_res } = manifest;
  const frame = crop ? frameOfCrop(crop, size, input_size, low_res) : frameOf(width, height, input_size, low_res);
  const told = [header.encoder_fingerprint, header.input_size, ...header.crop, ...header.resized, ...header.shape];
  const needed = [
    ...[manifest.encoder_fingerprint, manifest.input_size],
    ...(crop ?? [0, 0, width, height]),
    ...[frame.newHeight, frame.newWidth],
    ...[manifest.embed_dim, manifest.grid, manifest.grid],
  ];
  if (told.every((fact, i) => fact === needed[i])) return frame;
  throw new DecoderError('wrong_embedding', `The embedding is ${told.join(' ')}; the model needs ${needed.join(' ')}.`);
}

/** A graph holds the worker while it runs: a click that came meanwhile goes first. */
const nextTurn = () => new Promise((done) => setTimeout(done));

/** @param {Model} model */
async function releaseGraphs(model) {
  await model.prepare.release();
  await model.decode.release();
  await model.refine.release();
}
