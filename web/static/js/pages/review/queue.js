/**
 * The masks a reviewer goes through: a list as the server gave it, a place in it, and what comes next in advance.
 *
 * @typedef {import('../../api/client.js').ApiClient} ApiClient
 * @typedef {import('../../api/types.js').QueuedMask} QueuedMask
 * @typedef {import('../../api/types.js').ReviewedMask} ReviewedMask
 * @typedef {import('../../api/types.js').ReviewQueuePage} ReviewQueuePage
 */

const MOST = 200;
const AHEAD = 2;

export class ReviewQueue {
  #api;
  #project;
  /** @type {Record<string, string>} */
  #filters = {};
  /** @type {QueuedMask[]} */
  #masks = [];
  #index = 0;
  /** Of this reading of the list, by mask. @type {Map<string, string>} */
  #decided = new Map();
  /** @type {Map<string, Promise<ReviewedMask>>} */
  #loaded = new Map();
  /** @type {ReviewQueuePage} */
  page = { masks: [], total: 0, counts: { unreviewed: 0, accepted: 0, fixed: 0, rejected: 0 }, authors: [] };

  /** @param {{api: ApiClient, project: string}} options */
  constructor({ api, project }) {
    this.#api = api;
    this.#project = project;
  }

  /** @returns {QueuedMask | null} */
  get current() {
    return this.#masks[this.#index] ?? null;
  }

  /** @returns {number} masks of the list that are not decided yet */
  get left() {
    return Math.max(0, this.page.total - this.#decided.size);
  }

  /**
   * Read the list anew and stand at its beginning.
   *
   * @param {Record<string, string>} [filters]
   */
  async read(filters = this.#filters) {
    const page = await this.#api.reviewQueue(this.#project, { ...filters, limit: MOST });
    this.#filters = filters;
    this.page = page;
    this.#masks = page.masks;
    this.#index = 0;
    this.#decided.clear();
    this.#loaded.clear();
    this.#prefetch();
  }

  /** @returns {Promise<ReviewedMask | null>} the mask in turn with its picture's facts */
  async load() {
    return this.current ? this.#load(this.current.mask) : null;
  }

  /** Forget what was loaded of the mask in turn: it changed. */
  forget() {
    if (this.current) this.#loaded.delete(this.current.mask);
  }

  /** @param {string} outcome  what was decided about the mask in turn */
  note(outcome) {
    if (this.current) this.#decided.set(this.current.mask, outcome);
    this.forget();
  }

  /** On to the mask after this one; after the last one the list is read again. */
  async next() {
    if (this.#index + 1 >= this.#masks.length) return this.read();
    this.#index += 1;
    this.#prefetch();
  }

  /** @returns {boolean} whether there was an earlier one */
  previous() {
    if (this.#index === 0) return false;
    this.#index -= 1;
    return true;
  }

  #prefetch() {
    for (const { mask } of this.#masks.slice(this.#index, this.#index + 1 + AHEAD)) this.#load(mask).catch(() => {});
  }

  /**
   * @param {string} mask
   * @returns {Promise<ReviewedMask>}
   */
  #load(mask) {
    const loading = this.#loaded.get(mask) ?? this.#api.reviewsOf(mask);
    this.#loaded.set(mask, loading);
    loading.catch(() => this.#loaded.delete(mask));
    return loading;
  }
}
