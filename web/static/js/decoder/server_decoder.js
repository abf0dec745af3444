/** Decoding on the server, for a browser that cannot: the same acts as `DecoderClient`, without previews. */

import { frameOf } from '../geometry/model_frame.js';
import { fetchManifest } from './bundle.js';
import { candidateOf, wantedOf } from './candidates.js';
import { download } from './downloads.js';
import { DecoderError } from './errors.js';
import { narrow, widen } from './half_floats.js';

/** @typedef {import('../geometry/types.js').ModelFrame} ModelFrame */
/** @typedef {import('../geometry/types.js').Prompt} Prompt */
/** @typedef {import('../api/types.js').DecodePrompt} DecodePrompt */
/** @typedef {import('../api/types.js').DecodedCandidate} DecodedCandidate */
/** @typedef {import('./bundle.js').Manifest} Manifest */
/** @typedef {import('./types.js').DecodeRequest} DecodeRequest */
/** @typedef {import('./types.js').Decoded} Decoded */
/** @typedef {import('./types.js').ImageAddress} ImageAddress */
/** @typedef {import('./types.js').ModelAddress} ModelAddress */

/**
 * Asks the server; refuses with `status` and `message` as `ApiError` does.
 * @typedef {(image: string, prompt: DecodePrompt) => Promise<{candidates: DecodedCandidate[]}>} AskServer
 */

const CONFLICT = 409;

export class ServerDecoder {
  #ask;
  /** @type {Map<string, Manifest>} by bundle fingerprint */
  #models = new Map();
  /** @type {Map<string, {manifest: Manifest, frame: ModelFrame}>} */
  #images = new Map();
  #requests = 0;

  /** @param {AskServer} ask */
  constructor(ask) {
    this.#ask = ask;
  }

  /**
   * @param {ModelAddress} address
   * @returns {Promise<void>}
   */
  async loadModel({ manifestUrl }) {
    const manifest = await fetchManifest(manifestUrl, download);
    this.#models.set(manifest.bundle_fingerprint, manifest);
  }

  /**
   * Has the server prepare the image, which the first click would wait for otherwise.
   *
   * @param {ImageAddress} address
   * @returns {Promise<ModelFrame>}
   * @throws {DecoderError} embedding_not_ready, no_model, decode_failed, or start_failed when the server cannot either
   */
  async openImage({ imageKey, bundleFingerprint, size }) {
    const manifest = this.#models.get(bundleFingerprint ?? '');
    if (!manifest) throw new DecoderError('no_model', `The model ${bundleFingerprint ?? ''} is not known here.`);
    const frame = frameOf(size.width, size.height, manifest.input_size, manifest.low_res);
    this.#images.set(imageKey, { manifest, frame });
    const middle = { x: size.width >> 1, y: size.height >> 1, label: /** @type {1} */ (1) };
    await this.decode({ imageKey, prompt: { points: [middle], box: null }, maskInput: null });
    return frame;
  }

  /** The server keeps the embedding: nothing has to be fetched ahead. */
  async prefetchImage() {}

  /**
   * Masks for a prompt.
   *
   * @param {DecodeRequest} request
   * @returns {Promise<Decoded>}
   * @throws {DecoderError} embedding_not_ready, unknown_image, decode_failed or start_failed
   */
  async decode({ imageKey, prompt, maskInput, grain = null }) {
    const image = this.#images.get(imageKey);
    if (!image) throw new DecoderError('unknown_image', `The image ${imageKey} is not open.`);
    const began = performance.now();
    const requestId = ++this.#requests;
    const sent = {
      bundle_fingerprint: image.manifest.bundle_fingerprint,
      points: prompt.points.map(({ x, y, label }) => ({ x, y, label })),
      box: prompt.box,
      mask_input: maskInput && written(maskInput),
    };
    const { candidates } = await this.#ask(imageKey, sent).catch(refuse);
    const wanted = wantedOf(candidates.map(({ token }) => token), grain);
    const offered = candidates.map((one) => candidateOf(factsOf(one), one.token === wanted ? image.frame : null));
    return { requestId, candidates: offered, wasKnown: false, latencyMs: performance.now() - began };
  }

  /** Previews while the pointer moves are not worth the server's time. */
  async preview() {
    return null;
  }

  /** @returns {string} for the person */
  get words() {
    return 'The server answers clicks: this browser cannot run the model';
  }
}

/**
 * @param {any} fault
 * @returns {never}
 */
function refuse(fault) {
  const code = fault?.status === CONFLICT ? 'embedding_not_ready' : fault?.isPassing ? 'decode_failed' : 'start_failed';
  throw new DecoderError(code, `The server could not decode: ${fault?.message ?? fault}`);
}

/** @param {DecodedCandidate} told */
const factsOf = ({ token, predicted_iou, low_res }) => ({ token, predictedIou: predicted_iou, lowRes: read(low_res) });

/**
 * @param {string} text
 * @returns {Float32Array}
 */
function read(text) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  return widen(new Uint16Array(bytes.buffer));
}

/**
 * @param {Float32Array} logits
 * @returns {string}
 */
function written(logits) {
  const bytes = new Uint8Array(narrow(logits).buffer);
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}
