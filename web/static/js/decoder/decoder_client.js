/** The page's side of the decoder: one worker, replaced when it dies. */

import { DecoderError } from './errors.js';
import { NewestOnly } from './newest_only.js';
import { forgetChoice, isFasterWithMany, mostThreads, rememberChoice, rememberedChoice } from './threads.js';
import { WorkerLink } from './worker_link.js';

export { DecoderError };

/** @typedef {import('./types.js').DecodeRequest} DecodeRequest */
/** @typedef {import('./types.js').Decoded} Decoded */
/** @typedef {import('./types.js').DecoderHealth} DecoderHealth */
/** @typedef {import('./types.js').DecoderStart} DecoderStart */
/** @typedef {import('./types.js').ImageAddress} ImageAddress */
/** @typedef {import('./types.js').LoadedModel} LoadedModel */
/** @typedef {import('./types.js').ModelAddress} ModelAddress */
/** @typedef {import('./types.js').PreviewPicture} PreviewPicture */
/** @typedef {import('./types.js').PreviewRequest} PreviewRequest */
/** @typedef {import('../geometry/types.js').ModelFrame} ModelFrame */

const TIME_LIMIT_MS = 20_000;
const SECOND_TRY_CODES = new Set(['unknown_image', 'worker_died', 'decode_failed']);
const TEST_TURNS = 2;
const FAST_ENOUGH_MS = 30;
const TRIAL_LIMIT_MS = 60_000;
const TIMES_KEPT = 9;
/** A median this many times the self-test's means that the choice of threads has gone stale. */
const STALE_FACTOR = 3;
/** A module with one SIMD instruction: i32x4.splat. */
const SIMD_PROBE = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0],
  ...[65, 0, 253, 15, 253, 98, 11],
);

export class DecoderClient {
  #options;
  #link;
  /** @type {Map<string, ModelAddress>} by manifest address, in the order loaded */
  #models = new Map();
  /** @type {Map<string, ImageAddress>} */
  #images = new Map();
  /** @type {Map<string, Promise<any>>} */
  #opening = new Map();
  /** @type {Promise<void> | null} */
  #reviving = null;
  #isChosen;
  #isClosed = false;
  #testMs;
  /** @type {Promise<void>} */
  #trial = Promise.resolve();
  /** @type {number[]} */
  #times = [];
  #requests = 0;
  /** @type {NewestOnly<PreviewRequest, PreviewPicture | null>} */
  #previews = new NewestOnly((request) => this.#previewNow(request));

  /**
   * Starts a worker and proves that it computes; falls back to one thread when threads hang.
   *
   * @param {DecoderStart} options
   * @returns {Promise<DecoderClient>}
   * @throws {DecoderError} start_timeout or start_failed
   */
  static async start({ workerUrl, ortBase, timeLimitMs = TIME_LIMIT_MS }) {
    const options = { workerUrl, ortBase, timeLimitMs };
    const choice = rememberedChoice();
    const link = await startWithFallback(options, choice?.threads ?? 1);
    return new DecoderClient(options, link, choice?.decodeMs ?? null);
  }

  /**
   * Use `DecoderClient.start`.
   *
   * @param {Required<DecoderStart>} options
   * @param {WorkerLink} link
   * @param {number | null} testMs one decode in the self-test that chose the threads; null: choose
   */
  constructor(options, link, testMs) {
    this.#options = options;
    this.#link = link;
    this.#testMs = testMs ?? Infinity;
    this.#isChosen = testMs !== null || mostThreads() === 1;
  }

  /**
   * Loads and verifies a model version's graphs. Loading the same bundle again is free.
   *
   * @param {ModelAddress} address
   * @returns {Promise<LoadedModel>}
   * @throws {DecoderError} fetch_failed or damaged_model
   */
  loadModel({ manifestUrl, filesUrl }) {
    const address = { manifestUrl: absolute(manifestUrl), filesUrl: absolute(filesUrl) };
    return this.#once(`model ${manifestUrl}`, async () => {
      const { result } = await this.#ask('loadModel', address);
      this.#models.delete(address.manifestUrl);
      this.#models.set(address.manifestUrl, address);
      return result;
    });
  }

  /**
   * Fetches and verifies the embedding, prepares the image and warms the graphs up. Opening an
   * image that is still prepared is free. After the first image the number of threads is chosen
   * by a short self-test behind the scenes.
   *
   * @param {ImageAddress} address
   * @returns {Promise<ModelFrame>}
   * @throws {DecoderError} embedding_not_ready, fetch_failed, damaged_embedding, wrong_embedding or no_model
   */
  openImage(address) {
    const full = { ...address, embeddingUrl: absolute(address.embeddingUrl) };
    return this.#once(`image ${address.imageKey} ${address.embeddingUrl}`, async () => {
      const { result } = await this.#ask('openImage', full);
      this.#images.delete(address.imageKey);
      this.#images.set(address.imageKey, full);
      if (!this.#isChosen) this.#trial = this.#tryMoreThreads().catch(giveUp);
      return result;
    });
  }

  /**
   * Fetches the embedding of a coming image, so that opening it needs no network.
   *
   * @param {ImageAddress} address
   * @returns {Promise<void>}
   */
  async prefetchImage(address) {
    await this.#ask('prefetchImage', { ...address, embeddingUrl: absolute(address.embeddingUrl) });
  }

  /**
   * Masks for a prompt; always answered. An image that the worker has dropped meanwhile is opened again.
   *
   * @param {DecodeRequest} request
   * @returns {Promise<Decoded>}
   * @throws {DecoderError} unknown_image, decode_failed, worker_died or closed
   */
  async decode(request) {
    const began = performance.now();
    this.#previews.supersede();
    const requestId = ++this.#requests;
    const { result, workMs } = await this.#askOpen('decode', request);
    if (!result.wasKnown) this.#noteTime(workMs);
    return { requestId, ...result, latencyMs: performance.now() - began };
  }

  /**
   * A picture of the mask that a prompt would give, for a pointer that moves. At most one such request is under way;
   * a newer request of any kind takes the place of this one. A click on what was previewed needs no second decode.
   *
   * @param {PreviewRequest} request
   * @returns {Promise<PreviewPicture | null>} null when it was superseded, or nothing of the mask is in the part
   * @throws {DecoderError} as `decode`
   */
  preview(request) {
    return this.#previews.ask(request);
  }

  /** @returns {Promise<void>} settled when the number of threads is chosen; starts with the first image */
  get trial() {
    return this.#trial;
  }

  /** @returns {string} for the person */
  get words() {
    const { threads, decodeMs } = this.health;
    const running = threads === 1 ? '1 thread' : `${threads} threads`;
    return decodeMs ? `${Math.round(decodeMs)} ms a click on ${running}` : `Running on ${running}`;
  }

  /** @returns {DecoderHealth} */
  get health() {
    return {
      threads: this.#link.threads,
      simd: WebAssembly.validate(SIMD_PROBE),
      isolated: globalThis.crossOriginIsolated === true,
      decodeMs: this.#times.length ? median(this.#times) : null,
    };
  }

  /** Ends the worker; requests under way are refused with `closed`. */
  close() {
    this.#isClosed = true;
    this.#previews.supersede();
    this.#link.end('closed', 'The decoder was closed.');
  }

  /**
   * @param {PreviewRequest} request
   * @returns {Promise<PreviewPicture | null>}
   */
  async #previewNow(request) {
    const { result, workMs } = await this.#askOpen('preview', request);
    if (!result.wasKnown) this.#noteTime(workMs);
    return result.shown;
  }

  /**
   * @param {'decode' | 'preview'} kind
   * @param {DecodeRequest | PreviewRequest} request
   * @returns {Promise<import('./worker_link.js').Answer>}
   */
  #askOpen(kind, request) {
    return this.#ask(kind, request).catch((error) => this.#reopened(kind, request, error));
  }

  /**
   * A second try for an image that fell out of the worker's memory, or whose worker broke: wasm
   * that has failed once, say for want of memory, may never run again, so it gets a new worker.
   *
   * @param {'decode' | 'preview'} kind
   * @param {DecodeRequest | PreviewRequest} request
   * @param {unknown} error
   * @returns {Promise<import('./worker_link.js').Answer>}
   */
  async #reopened(kind, request, error) {
    const address = this.#images.get(request.imageKey);
    if (!(error instanceof DecoderError) || !SECOND_TRY_CODES.has(error.code) || !address) throw error;
    if (error.code === 'decode_failed') this.#link.end('worker_died', error.message);
    await this.#ask('openImage', address);
    return this.#ask(kind, request);
  }

  /**
   * @param {import('./decoder_worker.js').WorkerRequest['kind']} kind
   * @param {unknown} body
   * @returns {Promise<import('./worker_link.js').Answer>}
   */
  async #ask(kind, body) {
    if (!this.#link.isAlive && !this.#isClosed) await this.#revive();
    return this.#link.ask(kind, body);
  }

  /** A new worker in place of one that died, with the same models. */
  #revive() {
    this.#reviving ??= this.#replace().finally(() => {
      this.#reviving = null;
    });
    return this.#reviving;
  }

  async #replace() {
    const link = await startWithFallback(this.#options, this.#link.threads);
    if (this.#isClosed) link.end('closed', 'The decoder was closed.');
    for (const address of this.#models.values()) await link.ask('loadModel', address);
    this.#link = link;
  }

  /**
   * Once the first image is open: compares one thread with several, measured in turns, and goes
   * over to several when they are faster. The page works on meanwhile.
   */
  async #tryMoreThreads() {
    this.#isChosen = true;
    const single = this.#link;
    this.#testMs = (await single.ask('selfTest', null)).result;
    const many = this.#testMs > FAST_ENOUGH_MS ? await this.#rival() : null;
    const manyMs = many ? await this.#raceMs(single, many) : Infinity;
    const isFaster = many !== null && isFasterWithMany(manyMs, this.#testMs);
    if (isFaster && (await this.#goOver(single, many))) this.#testMs = manyMs;
    else many?.end('closed', 'One thread is faster here.');
    if (!this.#isClosed) rememberChoice({ threads: this.#link.threads, decodeMs: this.#testMs });
  }

  /**
   * @param {WorkerLink} single
   * @param {WorkerLink} many
   * @returns {Promise<number>} one decode with many threads; `#testMs` becomes that with one
   */
  async #raceMs(single, many) {
    let best = Infinity;
    for (let turn = 0; turn < TEST_TURNS; turn++) {
      best = Math.min(best, (await many.ask('selfTest', null)).result);
      this.#testMs = Math.min(this.#testMs, (await single.ask('selfTest', null)).result);
    }
    return best;
  }

  /**
   * A worker with several threads and the same models; without it one thread stays.
   *
   * @returns {Promise<WorkerLink | null>}
   */
  async #rival() {
    try {
      const many = await WorkerLink.start({ ...this.#options, threads: mostThreads() });
      setTimeout(() => many !== this.#link && many.end('closed', 'The trial took too long.'), TRIAL_LIMIT_MS);
      for (const address of this.#models.values()) await many.ask('loadModel', address);
      return many;
    } catch (error) {
      if (error instanceof DecoderError) return null;
      throw error;
    }
  }

  /**
   * Puts another worker in the place of the present one, with the same models and image open.
   *
   * @param {WorkerLink} from
   * @param {WorkerLink} to
   * @returns {Promise<boolean>} false when the present one has changed meanwhile
   */
  async #goOver(from, to) {
    do {
      await Promise.allSettled(this.#opening.values());
      for (const address of this.#models.values()) await to.ask('loadModel', address);
      const image = [...this.#images.values()].at(-1);
      if (image) await to.ask('openImage', image);
    } while (this.#opening.size > 0);
    if (this.#isClosed || this.#link !== from || !to.isAlive) return false;
    this.#link = to;
    from.retire('Several threads are faster here.');
    return true;
  }

  /** @param {number} workMs */
  #noteTime(workMs) {
    this.#times = [...this.#times, workMs].slice(-TIMES_KEPT);
    if (this.#times.length === TIMES_KEPT && median(this.#times) > STALE_FACTOR * this.#testMs) forgetChoice();
  }

  /**
   * Two callers who want the same thing at the same time share one request.
   *
   * @template Result
   * @param {string} name
   * @param {() => Promise<Result>} act
   * @returns {Promise<Result>}
   */
  #once(name, act) {
    const known = this.#opening.get(name);
    if (known) return known;
    const coming = act().finally(() => this.#opening.delete(name));
    this.#opening.set(name, coming);
    return coming;
  }
}

/**
 * @param {Required<DecoderStart>} options
 * @param {number} threads
 * @returns {Promise<WorkerLink>}
 */
async function startWithFallback(options, threads) {
  try {
    return await WorkerLink.start({ ...options, threads });
  } catch (error) {
    if (threads === 1) throw error;
    return WorkerLink.start({ ...options, threads: 1 });
  }
}

/**
 * A trial that fails changes nothing: the worker in use stays.
 *
 * @param {unknown} error
 */
function giveUp(error) {
  if (!(error instanceof DecoderError)) throw error;
}

/**
 * @param {string} url
 * @returns {string} a worker resolves addresses against its own file, not against the page
 */
function absolute(url) {
  return new URL(url, location.href).href;
}

/**
 * @param {number[]} values at least one
 * @returns {number}
 */
function median(values) {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}
