/** One decoder worker, seen from the page: numbered requests, answered or refused. */

import { DecoderError } from './errors.js';

/** @typedef {import('./decoder_worker.js').WorkerReply} WorkerReply */
/** @typedef {import('./decoder_worker.js').WorkerRequest} WorkerRequest */

/** @typedef {{result: any, workMs: number}} Answer */
/** @typedef {{resolve: (answer: Answer) => void, reject: (error: Error) => void}} Waiting */

export class WorkerLink {
  #worker;
  #nextId = 1;
  /** @type {Map<number, Waiting>} */
  #waiting = new Map();
  /** @type {DecoderError | null} */
  #end = null;
  /** @type {string | null} */
  #retiring = null;

  /**
   * Starts a worker; a runtime that hangs is ended after the time limit.
   *
   * @param {{workerUrl: string, ortBase: string, timeLimitMs: number, threads: number}} options
   * @returns {Promise<WorkerLink>}
   * @throws {DecoderError} start_timeout or start_failed
   */
  static async start({ workerUrl, ortBase, timeLimitMs, threads }) {
    const link = new WorkerLink(new Worker(workerUrl, { type: 'module' }), threads);
    const timer = setTimeout(() => {
      link.end('start_timeout', `The decoder did not start within ${timeLimitMs / 1000} s with ${threads} threads.`);
    }, timeLimitMs);
    try {
      await link.ask('start', { ortBase: new URL(ortBase, location.href).href, threads });
    } catch (error) {
      link.end('start_failed', 'The decoder was not started.');
      const isDead = error instanceof DecoderError && error.code === 'worker_died';
      throw isDead ? new DecoderError('start_failed', error.message) : error;
    } finally {
      clearTimeout(timer);
    }
    return link;
  }

  /**
   * @param {Worker} worker
   * @param {number} threads
   */
  constructor(worker, threads) {
    this.#worker = worker;
    this.threads = threads;
    worker.addEventListener('message', (event) => this.#settle(event.data));
    worker.addEventListener('error', (event) => {
      event.preventDefault();
      this.end('worker_died', `The decoder stopped: ${event.message || 'its program did not load'}.`);
    });
  }

  /** @returns {boolean} */
  get isAlive() {
    return this.#end === null;
  }

  /**
   * @param {WorkerRequest['kind']} kind
   * @param {unknown} body
   * @returns {Promise<Answer>}
   * @throws {DecoderError}
   */
  ask(kind, body) {
    if (this.#end) return Promise.reject(this.#end);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, kind, body });
    });
  }

  /**
   * Ends the worker; whoever waits is refused.
   *
   * @param {import('./errors.js').DecoderErrorCode} code
   * @param {string} message
   */
  end(code, message) {
    if (this.#end) return;
    this.#end = new DecoderError(code, message);
    this.#worker.terminate();
    for (const { reject } of this.#waiting.values()) reject(this.#end);
    this.#waiting.clear();
  }

  /**
   * Ends the worker when it has answered what was asked.
   *
   * @param {string} reason
   */
  retire(reason) {
    this.#retiring = reason;
    this.#endIfRetired();
  }

  #endIfRetired() {
    if (this.#retiring && this.#waiting.size === 0) this.end('closed', this.#retiring);
  }

  /** @param {WorkerReply} reply */
  #settle({ id, result, error, workMs = 0 }) {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error) waiting?.reject(new DecoderError(error.code, error.message));
    else waiting?.resolve({ result, workMs });
    this.#endIfRetired();
  }
}
