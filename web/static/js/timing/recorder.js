/** The interaction log: every act with a monotonic time, kept until the server has it. */

import { Activity } from './activity.js';

/**
 * open, point, point_moved, point_removed, box, candidate, stroke, undo, redo, clear, accept,
 * delete, decode, hidden, visible, idle, active, submit, skip, give_up.
 * @typedef {string} InteractionKind
 */

/**
 * @typedef {object} Interaction
 * @property {string} id UUID
 * @property {number} seq counts up within a page
 * @property {InteractionKind} kind
 * @property {string | null} mask UUID of the mask it belongs to
 * @property {number} at_ms milliseconds since the page began, monotonic
 * @property {Record<string, unknown>} detail
 */

/**
 * @typedef {object} InteractionBatch
 * @property {string} assignment
 * @property {string} page UUID of this opening of the page
 * @property {Interaction[]} interactions at most 200
 */

/** @typedef {Interaction & {assignment: string, page: string}} StoredInteraction */

/**
 * Where interactions wait until they are acknowledged; the journal is one.
 * @typedef {object} InteractionStore
 * @property {(row: StoredInteraction) => Promise<void>} putInteraction
 * @property {() => Promise<StoredInteraction[]>} waitingInteractions in any order
 * @property {(ids: string[]) => Promise<void>} dropInteractions
 */

/**
 * @typedef {object} RecorderOptions
 * @property {(batch: InteractionBatch, options: {keepalive: boolean}) => Promise<unknown>} send
 *   resolves when the server has stored the batch: `(batch, o) => api.postInteractions(batch, o)`
 * @property {InteractionStore} store say the journal
 * @property {number} [idleAfterMs] 30000 when absent
 * @property {number} [batchEveryMs] 2000 when absent
 */

const IDLE_AFTER_MS = 30_000;
const BATCH_EVERY_MS = 2000;
const LONGEST_WAIT_MS = 60_000;
const MOST_PER_BATCH = 200;
const MOST_BATCH_CHARACTERS = 400_000;
/** A browser sends at most 64 KB for a page that is going away. */
const MOST_KEEPALIVE_CHARACTERS = 60_000;

export class InteractionRecorder {
  #options;
  #page = crypto.randomUUID();
  #activity;
  /** @type {string | null} */
  #assignment = null;
  #sequence = 0;
  #lastAtMs = 0;
  /** @type {Map<string, StoredInteraction>} by id, in the order made */
  #waiting = new Map();
  /** @type {Promise<boolean> | null} */
  #sending = null;
  #failures = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #isClosed = false;
  #ready;
  #listening = new AbortController();

  /**
   * Begins to watch the page: pointer, keys, wheel and visibility. Interactions that an earlier
   * page left unsent are sent first.
   *
   * @param {RecorderOptions} options
   */
  constructor({ send, store, idleAfterMs = IDLE_AFTER_MS, batchEveryMs = BATCH_EVERY_MS }) {
    this.#options = { send, store, batchEveryMs };
    this.#activity = new Activity({
      idleAfterMs,
      now: () => performance.now(),
      onChange: (kind, atMs) => this.#onActivity(kind, atMs),
    });
    globalThis.addEventListener('pagehide', () => this.#sendParting(), { signal: this.#listening.signal });
    this.#ready = this.#readStore();
    this.#plan();
  }

  /**
   * Names the assignment that the following interactions belong to, and records `open`.
   *
   * @param {string} assignment
   */
  openAssignment(assignment) {
    this.#assignment = assignment;
    this.#activity.restart();
    this.record('open');
  }

  /**
   * Writes one interaction down; it is sent with the next batch. Before any assignment is open
   * nothing is recorded.
   *
   * @param {InteractionKind} kind
   * @param {{mask?: string | null, detail?: Record<string, unknown>}} [about]
   */
  record(kind, { mask = null, detail = {} } = {}) {
    this.#write(kind, performance.now(), mask, detail);
  }

  /** Milliseconds of active time since the assignment was opened: page visible, person not idle. */
  get activeMs() {
    return this.#activity.activeMs;
  }

  /**
   * Sends what waits now, say before an assignment is submitted.
   *
   * @returns {Promise<boolean>} whether the server has everything
   */
  async flush() {
    await this.#ready;
    await this.#sending;
    this.#sending = this.#sendWaiting().finally(() => {
      this.#sending = null;
    });
    return this.#sending;
  }

  /** Stops watching and sends what waits. */
  close() {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#activity.close();
    this.#listening.abort();
    this.#sendParting();
  }

  /**
   * @param {InteractionKind} kind
   * @param {number} atMs never before the interaction recorded last: the log stays in order
   * @param {string | null} mask
   * @param {Record<string, unknown>} detail
   */
  #write(kind, atMs, mask, detail) {
    if (!this.#assignment || this.#isClosed) return;
    this.#lastAtMs = Math.max(this.#lastAtMs, atMs);
    const row = {
      id: crypto.randomUUID(),
      seq: this.#sequence++,
      kind,
      mask,
      at_ms: Math.round(this.#lastAtMs * 10) / 10,
      detail,
      assignment: this.#assignment,
      page: this.#page,
    };
    this.#waiting.set(row.id, row);
    // A device that keeps nothing must not cost an act: the row is still sent from memory.
    this.#options.store.putInteraction(row).catch(() => undefined);
  }

  /**
   * @param {import('./activity.js').ActivityKind} kind
   * @param {number} atMs
   */
  #onActivity(kind, atMs) {
    this.#write(kind, atMs, null, {});
    if (kind === 'hidden') this.#sendParting();
  }

  async #readStore() {
    const rows = await this.#options.store.waitingInteractions().catch(() => []);
    const earlier = rows.filter((row) => row.page !== this.#page).sort((a, b) => a.seq - b.seq);
    this.#waiting = new Map([...earlier.map((row) => /** @type {const} */ ([row.id, row])), ...this.#waiting]);
  }

  #plan() {
    if (this.#isClosed) return;
    const wait = Math.min(LONGEST_WAIT_MS, this.#options.batchEveryMs * 2 ** Math.min(this.#failures, 10));
    this.#timer = setTimeout(async () => {
      await this.flush();
      this.#plan();
    }, wait);
  }

  /** @returns {Promise<boolean>} */
  async #sendWaiting() {
    for (;;) {
      const batch = this.#nextBatch();
      if (!batch) return true;
      const isStored = await this.#sendBatch(batch, false);
      this.#failures = isStored ? 0 : this.#failures + 1;
      if (!isStored) return false;
    }
  }

  /** The page may end any moment: send what fits, without waiting; the rest stays in the store. */
  #sendParting() {
    const batch = this.#nextBatch(MOST_KEEPALIVE_CHARACTERS);
    if (batch) void this.#sendBatch(batch, true);
  }

  /**
   * @param {number} [mostCharacters] one interaction alone may be longer
   * @returns {InteractionBatch | null} the oldest waiting interactions of one page and assignment
   */
  #nextBatch(mostCharacters = MOST_BATCH_CHARACTERS) {
    const [first] = this.#waiting.values();
    if (!first) return null;
    const { assignment, page } = first;
    const interactions = [];
    let characters = 0;
    for (const row of this.#waiting.values()) {
      if (row.page !== page || row.assignment !== assignment) continue;
      characters += JSON.stringify(row).length;
      const isFull = interactions.length === MOST_PER_BATCH || characters > mostCharacters;
      if (isFull && interactions.length) break;
      interactions.push(interactionOf(row));
    }
    return { assignment, page, interactions };
  }

  /**
   * @param {InteractionBatch} batch
   * @param {boolean} keepalive
   * @returns {Promise<boolean>} whether the batch needs no further attempt
   */
  async #sendBatch(batch, keepalive) {
    try {
      await this.#options.send(batch, { keepalive });
    } catch (error) {
      if (!isHopeless(error)) return false;
      // Bad telemetry never costs a mask: what the server refuses for good is let go.
    }
    const ids = batch.interactions.map(({ id }) => id);
    for (const id of ids) this.#waiting.delete(id);
    await this.#options.store.dropInteractions(ids).catch(() => undefined);
    return true;
  }
}

/**
 * @param {StoredInteraction} row
 * @returns {Interaction}
 */
function interactionOf({ id, seq, kind, mask, at_ms, detail }) {
  return { id, seq, kind, mask, at_ms, detail };
}

/**
 * @param {unknown} error
 * @returns {boolean} whether the server will never take this batch
 */
function isHopeless(error) {
  const status = error instanceof Error && 'status' in error ? Number(error.status) : 0;
  return [400, 404, 413, 422].includes(status);
}
