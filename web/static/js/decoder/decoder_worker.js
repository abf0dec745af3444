/** The decoder's own thread; the only file that knows onnxruntime. */

import { download } from './downloads.js';
import { DecoderEngine } from './engine.js';
import { DecoderError, messageOf } from './errors.js';
import { previewPicture } from './preview_picture.js';

/** @typedef {typeof import('onnxruntime-web/wasm')} OnnxRuntime */
/** @typedef {import('./engine.js').Runtime} Runtime */

/**
 * @typedef {object} WorkerRequest
 * @property {number} id
 * @property {'start' | 'loadModel' | 'openImage' | 'prefetchImage' | 'decode' | 'preview' | 'selfTest'} kind
 * @property {any} body
 */

/**
 * @typedef {object} WorkerReply
 * @property {number} id
 * @property {any} [result]
 * @property {{code: import('./errors.js').DecoderErrorCode, message: string}} [error]
 * @property {number} [workMs] time inside the worker
 */

/** @typedef {{ortBase: string, threads: number}} StartBody */

/** An ONNX graph of 76 bytes, b = a × a for 2×2 matrices: does the runtime compute at all? */
const SQUARE_GRAPH =
  'CAgSADpAChEKAWEKAWESAWIiBk1hdE11bBIBZ1oTCgFhEg4KDAgBEggKAggCCgIIAmITCgFiEg4KDAgBEggKAggCCgIIAkIECgAQDQ==';

/**
 * The engine's view of onnxruntime.
 *
 * @param {OnnxRuntime} ort
 * @returns {Runtime}
 */
export function runtimeOf(ort) {
  return {
    graph: async (bytes) => {
      const session = await ort.InferenceSession.create(bytes, {
        executionProviders: ['wasm'],
        graphOptimizationLevel: 'all',
      });
      return { run: (feeds) => session.run(pick(feeds, session.inputNames)), release: () => session.release() };
    },
    tensor: ({ values, dims }) => new ort.Tensor('float32', values, dims),
    valuesOf: (tensor) => tensor.data,
  };
}

/**
 * Sets onnxruntime up and proves with a small product that it computes.
 *
 * @param {OnnxRuntime} ort
 * @param {StartBody} options
 * @returns {Promise<Runtime>}
 */
export async function startRuntime(ort, { ortBase, threads }) {
  ort.env.logLevel = 'error';
  ort.env.wasm.numThreads = threads;
  ort.env.wasm.proxy = false;
  ort.env.wasm.wasmPaths = {
    mjs: `${ortBase}ort-wasm-simd-threaded.mjs`,
    wasm: `${ortBase}ort-wasm-simd-threaded.wasm`,
  };
  const runtime = runtimeOf(ort);
  const graph = await runtime.graph(Uint8Array.from(atob(SQUARE_GRAPH), (character) => character.charCodeAt(0)));
  const { b } = await graph.run({ a: runtime.tensor({ values: Float32Array.of(1, 2, 3, 4), dims: [2, 2] }) });
  await graph.release();
  const squared = [...runtime.valuesOf(b)].join();
  if (squared !== '7,10,15,22') throw new DecoderError('start_failed', `This browser computes ${squared}.`);
  return runtime;
}

/**
 * Some graphs do not use every prepared tensor.
 *
 * @param {Record<string, any>} feeds
 * @param {readonly string[]} names
 * @returns {Record<string, any>}
 */
function pick(feeds, names) {
  return Object.fromEntries(names.map((name) => [name, feeds[name]]));
}

/** Answers the requests of the page, each by its id. */
class WorkerDoor {
  #port;
  /** @type {DecoderEngine | null} */
  #engine = null;

  /** @param {{postMessage: (reply: WorkerReply, transfer: Transferable[]) => void}} port */
  constructor(port) {
    this.#port = port;
  }

  /** @param {WorkerRequest} request */
  async answer({ id, kind, body }) {
    const began = performance.now();
    try {
      const result = await this.#act(kind, body);
      this.#port.postMessage({ id, result, workMs: performance.now() - began }, buffersOf(kind, result));
    } catch (error) {
      const code = error instanceof DecoderError ? error.code : 'decode_failed';
      this.#port.postMessage({ id, error: { code, message: messageOf(error) } }, []);
    }
  }

  /**
   * @param {WorkerRequest['kind']} kind
   * @param {any} body
   * @returns {Promise<any>}
   */
  async #act(kind, body) {
    if (kind === 'start') return this.#start(body);
    if (!this.#engine) throw new DecoderError('start_failed', 'The decoder was not started.');
    if (kind === 'selfTest') return this.#engine.selfTest();
    if (kind === 'preview') return this.#preview(this.#engine, body);
    return this.#engine[kind](body);
  }

  /**
   * @param {DecoderEngine} engine
   * @param {import('./types.js').PreviewRequest} request
   * @returns {Promise<{shown: import('./preview_picture.js').PreviewPicture | null, wasKnown: boolean}>}
   */
  async #preview(engine, request) {
    const { mask, wasKnown } = await engine.preview(request);
    return { shown: previewPicture(mask, request.part, request.look), wasKnown };
  }

  /** @param {StartBody} body */
  async #start(body) {
    try {
      const ort = /** @type {OnnxRuntime} */ (await import(`${body.ortBase}ort.wasm.min.mjs`));
      this.#engine = new DecoderEngine(await startRuntime(ort, body), download);
    } catch (error) {
      throw new DecoderError('start_failed', `The decoder cannot run here: ${messageOf(error)}`);
    }
  }
}

/**
 * Buffers that may move to the page instead of being copied.
 *
 * @param {WorkerRequest['kind']} kind
 * @param {any} result
 * @returns {Transferable[]}
 */
function buffersOf(kind, result) {
  if (kind === 'preview') return result.shown ? [result.shown.picture] : [];
  if (kind !== 'decode') return [];
  const candidates = /** @type {import('../geometry/types.js').Candidate[]} */ (result.candidates);
  return candidates.flatMap(({ lowRes, mask }) => (mask ? [lowRes.buffer, mask.bits.buffer] : [lowRes.buffer]));
}

if ('WorkerGlobalScope' in globalThis) {
  const port = /** @type {any} */ (globalThis);
  const door = new WorkerDoor(port);
  port.addEventListener('message', (/** @type {MessageEvent<WorkerRequest>} */ event) => door.answer(event.data));
}
