// Pages of one device that journal what a person did, and what the tests of them share.

import { IDBFactory } from 'fake-indexeddb';

import { Journal } from '../../web/static/js/journal/journal.js';
import { Locks, MaskServer } from './mask_server.js';

/** @typedef {import('../../web/static/js/journal/journal.js').MaskSave} MaskSave */

export const ALICE = '2c4f3e0a-6f5d-4a52-8c0a-0d2f3e5a7b91';
export const IMAGE = '7d1c2b3a-4e5f-4a6b-9c8d-7e6f5a4b3c2d';
export const OTHER_IMAGE = '8d1c2b3a-4e5f-4a6b-9c8d-7e6f5a4b3c2e';

/**
 * One device: its database and locks outlive the pages opened on it.
 */
export function device() {
  return { factory: new IDBFactory(), locks: /** @type {any} */ (new Locks()) };
}

/**
 * @param {ReturnType<typeof device>} place
 * @param {MaskServer} server
 */
export function openPage(place, server) {
  return Journal.open({ person: ALICE, api: server, firstWaitMs: 1, ...place });
}

/**
 * @param {Partial<MaskSave>} [changes]
 * @returns {MaskSave}
 */
export function save(changes = {}) {
  return {
    mask: crypto.randomUUID(),
    image: IMAGE,
    assignment: '11111111-2222-4333-8444-555555555555',
    state: 'draft',
    rle: { size: [3, 4], counts: '32111N' },
    model_version: null,
    predicted_iou: null,
    order_index: 0,
    prompts: [{ kind: 'point', x: 1, y: 2, label: 1 }],
    given_up: false,
    ...changes,
  };
}

/**
 * @param {number} number
 * @returns {{size: [number, number], counts: string}} a different mask for each number
 */
export function rle(number) {
  return { size: [3, 4], counts: `3${number}` };
}

/**
 * Resolves at the first state for which `test` holds.
 *
 * @param {Journal} journal
 * @param {(state: import('../../web/static/js/journal/journal.js').JournalState) => boolean} wanted
 * @returns {Promise<import('../../web/static/js/journal/journal.js').JournalState>}
 */
export function stateOf(journal, wanted) {
  return new Promise((resolve) => {
    const look = () => {
      if (!wanted(journal.state)) return;
      journal.removeEventListener('state', look);
      resolve(journal.state);
    };
    journal.addEventListener('state', look);
    look();
  });
}

/** @param {() => number} random  @returns {MaskServer} that loses requests and answers */
export function unreliable(random) {
  const server = new MaskServer();
  server.fault = () => /** @type {const} */ (['deliver', 'lose_request', 'lose_answer'])[Math.floor(random() * 3)];
  return server;
}

/**
 * @param {number} seed
 * @returns {() => number} the same numbers from 0 to 1 for the same seed
 */
export function randomOf(seed) {
  let state = seed;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}
