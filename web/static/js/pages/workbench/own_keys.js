/**
 * The keys of this person. This browser's copy counts at once and without the network; the server's makes them follow
 * to other browsers. Of two browsers the last save counts.
 *
 * @typedef {import('../../state/keys.js').Keys} Keys
 *
 * @typedef {object} OwnKeysOptions
 * @property {string} person  UUID; several may share this device
 * @property {import('../../state/store.js').Store<import('../../state/workbench.js').Workbench>} store
 * @property {Pick<import('../../api/client.js').ApiClient, 'keys' | 'putKeys'>} api
 */
import { ApiError } from '../../api/transport.js';
import { changedKeys, keysFrom } from '../../state/keys.js';
import { make, setText } from '../../ui/elements.js';
import { readKept, writeKept } from './kept.js';

const RETRY_MS = 30_000;
const EVERYWHERE = 'Your keys follow you to every browser.';
const HERE = 'Kept in this browser; your other browsers get them as soon as the server can be reached.';

/** @param {string} person */
const keysName = (person) => `maskwright.keys.${person}`;

/** @param {string} person */
const unsentName = (person) => `maskwright.keys-unsent.${person}`;

/**
 * @param {string} person
 * @returns {Keys} as this browser knew them last
 */
export const keysHere = (person) => keysFrom(readKept(keysName(person)));

/**
 * @param {OwnKeysOptions} options
 * @returns {HTMLElement} says where the keys are kept
 */
export function followOwnKeys(options) {
  const words = make('p', { class: 'sheet-kept', attributes: { 'aria-live': 'polite' } });
  const keys = new OwnKeys({ ...options, tell: (text) => setText(words, text) });
  for (const moment of ['online', 'focus']) window.addEventListener(moment, () => void keys.meet());
  void keys.meet();
  return words;
}

export class OwnKeys {
  #options;
  #isMeeting = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #retry;
  /** A change of this page, which counts even where the browser keeps nothing. */
  #hasOwn = false;
  /** As they came from the server. @type {Keys | null} */
  #given = null;

  /** @param {OwnKeysOptions & {tell: (words: string) => void}} options */
  constructor(options) {
    this.#options = options;
    options.store.watchNow((now, before) => {
      if (now.keys === before.keys || now.keys === this.#given) return;
      this.#hasOwn = true;
      this.#keep(changedKeys(now.keys), true);
      void this.meet();
    });
  }

  /** Send what was changed here, else take what was changed elsewhere. Never fails: the keys go on working as they are. */
  async meet() {
    if (this.#isMeeting) return;
    this.#isMeeting = true;
    clearTimeout(this.#retry);
    try {
      while (!(await (this.#isUnsent ? this.#send() : this.#take())));
      this.#options.tell(EVERYWHERE);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#options.tell(HERE);
      if (error.isPassing || error.status === 401) this.#retry = setTimeout(() => void this.meet(), RETRY_MS);
    } finally {
      this.#isMeeting = false;
    }
  }

  get #isUnsent() {
    return this.#hasOwn || readKept(unsentName(this.#options.person)).unsent === true;
  }

  /** What this page changed, else what any page of this browser did. */
  #wish() {
    const { person, store } = this.#options;
    return this.#hasOwn ? changedKeys(store.get().keys) : changedKeys(keysHere(person));
  }

  /** @returns {Promise<boolean>} false when they were changed meanwhile */
  async #send() {
    const { person, api } = this.#options;
    const sent = this.#wish();
    await api.putKeys(person, sent);
    if (!same(sent, this.#wish())) return false;
    this.#hasOwn = false;
    this.#give(sent);
    return true;
  }

  /** @returns {Promise<boolean>} false when there is something to send after all */
  async #take() {
    const { person, api } = this.#options;
    const { keys, saved_at: savedAt } = await api.keys(person);
    if (this.#isUnsent) return false;
    const here = changedKeys(keysHere(person));
    if (savedAt === null && !same(here, {})) {
      this.#keep(here, true); // chosen in this browser before the server kept any
      return false;
    }
    this.#give(keys);
    return true;
  }

  /** @param {Keys} changed */
  #give(changed) {
    const { store } = this.#options;
    this.#keep(changed, false);
    if (same(changedKeys(store.get().keys), changedKeys(keysFrom(changed)))) return;
    const given = keysFrom(changed);
    this.#given = given;
    store.update((bench) => ({ ...bench, keys: given }));
  }

  /**
   * @param {Keys} changed
   * @param {boolean} unsent
   */
  #keep(changed, unsent) {
    writeKept(keysName(this.#options.person), changed);
    writeKept(unsentName(this.#options.person), { unsent });
  }
}

/**
 * @param {Keys} a
 * @param {Keys} b
 */
const same = (a, b) => JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));

/** @param {Keys} keys */
const sorted = (keys) => Object.entries(keys).sort(([a], [b]) => (a < b ? -1 : 1));
