/** The local journal: every change is on this device before it goes to the network. */

import { openDatabase, outcome, transact } from './database.js';
import { latestWish, withWish } from './outbox_row.js';
import { Outbox } from './outbox.js';
import { OutboxRows } from './outbox_rows.js';
import { readUnsaved, writeUnsaved } from './unsaved_file.js';

/** @typedef {import('../geometry/types.js').Rle} Rle */
/** @typedef {import('../timing/recorder.js').StoredInteraction} StoredInteraction */
/** @typedef {import('./outbox_row.js').OutboxRow} OutboxRow */

/**
 * How a mask shall be: the whole wish, not a step. The newest wish of a mask replaces those that
 * were not sent yet.
 * @typedef {object} MaskSave
 * @property {string} mask UUID (crypto.randomUUID())
 * @property {string} image UUID
 * @property {string | null} assignment UUID; null for a correction by a manager
 * @property {'draft' | 'accepted' | 'deleted'} state
 * @property {Rle} rle for `deleted`, the content the mask had
 * @property {string | null} model_version
 * @property {number | null} predicted_iou
 * @property {number} order_index
 * @property {readonly {readonly kind: string, readonly [fact: string]: unknown}[]} prompts ordered
 *   provenance
 * @property {boolean} given_up
 * @property {string | null} [parent] UUID of the mask that it is a part of
 */

/**
 * What the person sees on the chip.
 * @typedef {object} JournalState
 * @property {'saved' | 'saving' | 'pending' | 'attention'} kind
 * @property {number} count masks whose latest wish the server has not confirmed
 * @property {string} message one sentence for the person
 * @property {number} numOnlyHere masks whose latest wish only this page has: the device takes no more
 * @property {boolean} signInNeeded the server answered 401; call `signedIn()` afterwards
 * @property {Problem[]} problems one for each mask that needs a decision
 */

/**
 * @typedef {object} Problem
 * @property {string} mask
 * @property {string} image
 * @property {number} status HTTP status of the refusal
 * @property {string} code as the server named it, or `wrong_echo`
 * @property {string} message
 * @property {boolean} keptByServer the server holds the work as a draft
 * @property {number | null} currentVersion the server's version, for a conflict
 */

/**
 * What the server is known to hold of a mask.
 * @typedef {object} Confirmed
 * @property {string} mask
 * @property {number} version
 * @property {'draft' | 'accepted' | 'deleted'} state
 * @property {string} sha256 of the counts string
 */

/**
 * The part of `ApiClient` that the outbox uses.
 * @typedef {object} MaskSender
 * @property {(mask: string, version: number | null, body: Record<string, unknown>) => Promise<SaveReply>} putMask
 * @property {(mask: string, version: number, saveId: string) => Promise<SaveReply>} deleteMask
 */

/** @typedef {{id: string, version: number, state: 'draft' | 'accepted' | 'deleted', sha256: string}} SaveReply */

/**
 * @typedef {object} JournalOptions
 * @property {string} person UUID; each person has a database of their own on a device
 * @property {MaskSender} api
 * @property {IDBFactory} [factory]
 * @property {LockManager} [locks]
 * @property {number} [firstWaitMs] before the second attempt after a failure; 1000 when absent
 */

/** Events: `state` (detail JournalState), `confirmed` (detail Confirmed). */
export class Journal extends EventTarget {
  #person;
  #database;
  #rows;
  #outbox;
  #locks;
  /** @type {Map<string, () => void>} by image; call to give back */
  #claims = new Map();
  /** @type {Map<string, Promise<unknown>>} by image; settled when its lock is free again */
  #claimEnds = new Map();

  /**
   * Opens the database of a person and begins to send what an earlier page left in it.
   *
   * @param {JournalOptions} options
   * @returns {Promise<Journal>}
   * @throws {DOMException} when the browser keeps no data for this page
   */
  static async open({ person, api, factory = indexedDB, locks = navigator.locks, firstWaitMs = 1000 }) {
    const database = await openDatabase(person, factory);
    const journal = new Journal({ person, api, database, locks, firstWaitMs });
    await journal.#outbox.start();
    return journal;
  }

  /**
   * Use `Journal.open`.
   *
   * @param {{person: string, api: MaskSender, database: IDBDatabase, locks: LockManager, firstWaitMs: number}} parts
   */
  constructor({ person, api, database, locks, firstWaitMs }) {
    super();
    this.#person = person;
    this.#database = database;
    this.#locks = locks;
    this.#rows = new OutboxRows(database);
    this.#outbox = new Outbox({
      rows: this.#rows,
      api,
      firstWaitMs,
      withImage: (image, act) => this.#withImage(image, act),
      onState: () => this.dispatchEvent(new CustomEvent('state', { detail: this.state })),
      onConfirmed: (confirmed) => this.dispatchEvent(new CustomEvent('confirmed', { detail: confirmed })),
    });
    database.addEventListener('versionchange', () => this.close());
  }

  /**
   * Takes the writing of an image for this page (a Web Lock), for as long as the page lives.
   *
   * @param {string} image
   * @returns {Promise<boolean>} false when another tab of this browser has it
   */
  async claimImage(image) {
    const isHeld = this.#claims.has(image);
    if (!isHeld) await this.#claimEnds.get(image);
    const isMine = isHeld || (await this.#take(image));
    if (isMine) await this.#outbox.look(image);
    return isMine;
  }

  /**
   * Gives the image back, say after submit.
   *
   * @param {string} image
   */
  releaseImage(image) {
    this.#claims.get(image)?.();
    this.#claims.delete(image);
  }

  /**
   * Tells the journal what the server holds, say after GET images/{id}/masks; masks with
   * unsent work keep the version that work is based on.
   *
   * @param {Iterable<SaveReply>} masks
   * @returns {Promise<void>}
   */
  async noteServerMasks(masks) {
    await this.#rows.noteServer([...masks].map(({ id, version, state, sha256 }) => ({ mask: id, version, state, sha256 })));
  }

  /**
   * Writes a wish down; resolves when it is on this device, or in this page's memory while the device takes no more.
   * Sending follows by itself.
   *
   * @param {MaskSave} save
   * @returns {Promise<void>}
   */
  async record(save) {
    const sequence = this.#outbox.nextSequence();
    const row = await this.#rows.change(save.mask, ({ row: before, known }) => ({ row: withWish(before ?? undefined, save, this.#person, sequence), known }));
    if (row) this.#outbox.noteRow(row);
  }

  /**
   * Wishes for an image that the server has not confirmed, to be laid over what it answers.
   *
   * @param {string} image
   * @returns {Promise<MaskSave[]>} in the order made
   */
  async unsavedOf(image) {
    return inOrder(await this.#rows.rows(image)).map(latestWish);
  }

  /** @returns {JournalState} */
  get state() {
    return this.#outbox.state;
  }

  /**
   * Waits until the server has everything of an image.
   *
   * @param {string} image
   * @param {number} [limitMs]
   * @returns {Promise<boolean>} false when it cannot be now: a problem, a missing sign-in, or no
   *   answer within the limit
   */
  settled(image, limitMs = 10_000) {
    return new Promise((resolve) => {
      const look = () => {
        const { problems, signInNeeded } = this.state;
        if (!this.#outbox.holdsImage(image)) finish(true);
        else if (signInNeeded || problems.some((problem) => problem.image === image)) finish(false);
      };
      const finish = (/** @type {boolean} */ isSettled) => {
        clearTimeout(timer);
        this.removeEventListener('state', look);
        resolve(isSettled);
      };
      const timer = setTimeout(() => finish(false), limitMs);
      this.addEventListener('state', look);
      look();
    });
  }

  /** The person has signed in again: sending goes on. */
  signedIn() {
    this.#outbox.signedIn();
  }

  /**
   * Ends a problem: `mine` sends this device's work again, over the server's version if that is
   * what stands in the way; `theirs` drops it here.
   *
   * @param {string} mask
   * @param {'mine' | 'theirs'} choice
   * @returns {Promise<void>}
   */
  resolve(mask, choice) {
    return this.#outbox.resolve(mask, choice);
  }

  /**
   * The undo timeline of an image: any structured-cloneable value.
   *
   * @param {string} image
   * @param {unknown} timeline
   * @returns {Promise<void>}
   */
  async putTimeline(image, timeline) {
    await transact(this.#database, 'readwrite', ['timelines'], (timelines) =>
      outcome(timelines.put({ image, timeline })),
    );
  }

  /**
   * @param {string} image
   * @returns {Promise<unknown>} null when there is none
   */
  async getTimeline(image) {
    const row = await transact(this.#database, 'readonly', ['timelines'], (timelines) => outcome(timelines.get(image)));
    return row?.timeline ?? null;
  }

  /**
   * The image is submitted: its timeline is forgotten.
   *
   * @param {string} image
   * @returns {Promise<void>}
   */
  async dropTimeline(image) {
    await transact(this.#database, 'readwrite', ['timelines'], (timelines) => outcome(timelines.delete(image)));
  }

  /**
   * Everything the server has not confirmed, as a file the person can keep.
   *
   * @returns {Promise<Blob>} application/json; `importUnsaved` reads it
   */
  async downloadUnsaved() {
    return writeUnsaved(this.#person, inOrder(await this.#rows.rows()).map(latestWish));
  }

  /**
   * Records the wishes of a file made by `downloadUnsaved`.
   *
   * @param {string} text
   * @returns {Promise<number>} how many
   * @throws {Error} when the text is not such a file
   */
  async importUnsaved(text) {
    const saves = readUnsaved(text);
    for (const save of saves) await this.record(save);
    return saves.length;
  }

  /**
   * @param {StoredInteraction} row
   * @returns {Promise<void>}
   */
  async putInteraction(row) {
    await transact(this.#database, 'readwrite', ['interactions'], (rows) => outcome(rows.put(row)));
  }

  /** @returns {Promise<StoredInteraction[]>} in no particular order */
  waitingInteractions() {
    return transact(this.#database, 'readonly', ['interactions'], (rows) => outcome(rows.getAll()));
  }

  /**
   * @param {string[]} ids
   * @returns {Promise<void>}
   */
  async dropInteractions(ids) {
    await transact(this.#database, 'readwrite', ['interactions'], async (rows) => {
      for (const id of ids) rows.delete(id);
    });
  }

  /** Stops sending, gives images back and closes the database. */
  close() {
    this.#outbox.close();
    for (const image of [...this.#claims.keys()]) this.releaseImage(image);
    this.#database.close();
  }

  /**
   * @param {string} image
   * @returns {Promise<boolean>}
   */
  #take(image) {
    return new Promise((resolve, reject) => {
      const held = this.#locks.request(this.#lockName(image), { ifAvailable: true }, (lock) => {
        resolve(lock !== null);
        return lock && new Promise((release) => this.#claims.set(image, () => release(undefined)));
      });
      held.catch(reject);
      this.#claimEnds.set(image, held);
    });
  }

  /**
   * Runs `act` as the only writer of an image.
   *
   * @param {string} image
   * @param {() => Promise<void>} act
   * @returns {Promise<boolean>} false when another tab is the writer
   */
  async #withImage(image, act) {
    if (this.#claims.has(image)) {
      await act();
      return true;
    }
    return this.#locks.request(this.#lockName(image), { ifAvailable: true }, async (lock) => {
      if (lock) await act();
      return lock !== null;
    });
  }

  /**
   * @param {string} image
   * @returns {string}
   */
  #lockName(image) {
    return `maskwright:${this.#person}:${image}`;
  }
}

/**
 * @param {OutboxRow[]} rows
 * @returns {OutboxRow[]}
 */
function inOrder(rows) {
  return rows.sort((a, b) => a.sequence - b.sequence);
}
