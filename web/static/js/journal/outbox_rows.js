/** The outbox's rows: on the device, and in this page's memory while the device takes nothing more. */

import { outcome, transact } from './database.js';

/** @typedef {import('./journal.js').Confirmed} Confirmed */
/** @typedef {import('./outbox_row.js').OutboxRow} OutboxRow */

/**
 * What is known of one mask.
 * @typedef {object} Entry
 * @property {OutboxRow | null} row what the server has not confirmed
 * @property {Confirmed | null} known what it has
 */

const STORES = ['outbox', 'confirmed'];

export class OutboxRows {
  #database;
  /** What the device did not take. @type {Map<string, Entry>} by mask */
  #held = new Map();
  /** One change after the other, in memory as on the device. @type {Promise<unknown>} */
  #last = Promise.resolve();

  /** @param {IDBDatabase} database */
  constructor(database) {
    this.#database = database;
  }

  /** @returns {number} masks with changes that only this page has */
  get numHeld() {
    return [...this.#held.values()].filter(({ row }) => row !== null).length;
  }

  /**
   * Changes what is kept of a mask, all or nothing.
   *
   * @param {string} mask
   * @param {(entry: Entry) => Entry} act pure: it is asked again when the device refuses
   * @returns {Promise<OutboxRow | null>} the row as it is now
   */
  change(mask, act) {
    return this.#inTurn(async () => {
      if (!this.#held.has(mask)) {
        const changed = await this.#unlessFull(() => this.#onDevice(mask, act));
        if (changed) return changed.row;
      }
      const entry = act(this.#held.get(mask) ?? (await this.#read(mask)));
      this.#held.set(mask, entry);
      return entry.row;
    });
  }

  /**
   * What the server holds; a mask with unsent work keeps the version that work is based on.
   *
   * @param {readonly Confirmed[]} masks
   * @returns {Promise<void>}
   */
  noteServer(masks) {
    return this.#inTurn(async () => {
      const written = await this.#unlessFull(() =>
        transact(this.#database, 'readwrite', STORES, async (outbox, confirmed) => {
          const unsent = new Set(await outcome(outbox.getAllKeys()));
          for (const known of masks) if (!unsent.has(known.mask) && !this.#held.has(known.mask)) confirmed.put(known);
          return true;
        }),
      );
      for (const known of masks) {
        const { row } = this.#held.get(known.mask) ?? (written ? { row: null } : await this.#read(known.mask));
        if (row === null && (!written || this.#held.has(known.mask))) this.#held.set(known.mask, { row, known });
      }
    });
  }

  /**
   * @param {string} [image] all when absent
   * @returns {Promise<OutboxRow[]>}
   */
  async rows(image) {
    const kept = await transact(this.#database, 'readonly', ['outbox'], (outbox) =>
      outcome(image === undefined ? outbox.getAll() : outbox.index('image').getAll(image)),
    );
    const held = [...this.#held.values()].flatMap(({ row }) => (row && (image === undefined || row.image === image) ? [row] : []));
    return [...kept.filter(({ mask }) => !this.#held.has(mask)), ...held];
  }

  /** Writes down what the device did not take before. */
  bringHome() {
    if (this.#held.size === 0) return Promise.resolve();
    return this.#inTurn(async () => {
      for (const [mask, entry] of this.#held) {
        if (!(await this.#unlessFull(() => this.#onDevice(mask, () => entry)))) return;
        this.#held.delete(mask);
      }
    });
  }

  /**
   * @param {string} mask
   * @param {(entry: Entry) => Entry} act
   * @returns {Promise<Entry>}
   */
  #onDevice(mask, act) {
    return transact(this.#database, 'readwrite', STORES, async (outbox, confirmed) => {
      const before = await entryOf(outbox, confirmed, mask);
      const after = act(before);
      if (after.row !== before.row) keep(outbox, mask, after.row);
      if (after.known !== before.known) keep(confirmed, mask, after.known);
      return after;
    });
  }

  /**
   * @param {string} mask
   * @returns {Promise<Entry>}
   */
  #read(mask) {
    return transact(this.#database, 'readonly', STORES, (outbox, confirmed) => entryOf(outbox, confirmed, mask));
  }

  /**
   * @template Result
   * @param {() => Promise<Result>} act
   * @returns {Promise<Result>}
   */
  #inTurn(act) {
    const turn = this.#last.then(act);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  /**
   * @template Result
   * @param {() => Promise<Result>} act
   * @returns {Promise<Result | null>} null when the device took nothing
   */
  async #unlessFull(act) {
    try {
      return await act();
    } catch (error) {
      if (!isRefusedByDevice(error)) throw error;
      return null;
    }
  }
}

/**
 * Storage that is full, or that fails; not one that was closed under us.
 *
 * @param {unknown} error
 */
export const isRefusedByDevice = (error) => error instanceof DOMException && error.name !== 'InvalidStateError';

/**
 * @param {IDBObjectStore} outbox
 * @param {IDBObjectStore} confirmed
 * @param {string} mask
 * @returns {Promise<Entry>}
 */
async function entryOf(outbox, confirmed, mask) {
  const [row, known] = await Promise.all([outcome(outbox.get(mask)), outcome(confirmed.get(mask))]);
  return { row: row ?? null, known: known ?? null };
}

/**
 * @param {IDBObjectStore} store
 * @param {string} mask
 * @param {OutboxRow | Confirmed | null} value
 */
function keep(store, mask, value) {
  if (value) store.put(value);
  else store.delete(mask);
}
