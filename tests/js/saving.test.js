import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Saving } from '../../web/static/js/pages/workbench/saving.js';
import { newCurrent, paint } from '../../web/static/js/state/current.js';
import { strokeArea } from '../../web/static/js/state/painted.js';
import { commit, newHistory } from '../../web/static/js/state/history.js';
import { acceptCurrent, inHand } from '../../web/static/js/state/masks.js';
import { createStore } from '../../web/static/js/state/store.js';
import { FIRST } from '../../web/static/js/state/workbench.js';

/** @typedef {import('../../web/static/js/state/workbench.js').Workbench} Workbench */

const SIZE = { width: 40, height: 25 };
const IMAGE = { id: 'image', name: 'quay.png', ...SIZE, fileUrl: '' };
const SAVED = { kind: 'saved', count: 0, message: 'Everything is saved.', signInNeeded: false };

/** A device that writes when the test says so, and a server that has everything the journal holds. */
class SlowJournal extends EventTarget {
  state = SAVED;
  /** @type {(() => void)[]} */
  #writes = [];

  #write() {
    return /** @type {Promise<void>} */ (new Promise((done) => this.#writes.push(done)));
  }

  /** @type {any[]} */
  wishes = [];

  /** @param {unknown} wish */
  record(wish) {
    this.wishes.push(wish);
    return this.#write();
  }

  async putTimeline() {}

  async getTimeline() {
    return null;
  }

  async noteServerMasks() {}

  /** @type {any[]} */
  unsaved = [];

  async unsavedOf() {
    return this.unsaved;
  }

  async writeAll() {
    while (this.#writes.length) {
      this.#writes.shift()?.();
      await new Promise(setImmediate);
    }
  }
}

/** @param {string | null | undefined} [lease] */
function opened(lease = 'lease') {
  const journal = new SlowJournal();
  const store = createStore(/** @type {Workbench} */ ({ ...FIRST, image: IMAGE }), () => {});
  const saving = new Saving({ store, journal: /** @type {any} */ (journal), person: 'alice', assignment: () => lease, modelVersion: () => 'model', draftEveryMs: 1, fault: assert.fail });
  return { journal, store, saving };
}

/** @param {ReturnType<typeof opened>} page */
function acceptOne({ store }) {
  const stroke = /** @type {const} */ ({ mode: 'brush', shape: 'square', size: 5, points: [[9, 7]] });
  const current = paint(newCurrent('mask'), stroke, strokeArea(SIZE, stroke));
  const doc = acceptCurrent(inHand(newHistory().present, current), { size: SIZE, modelVersion: null });
  store.update((bench) => ({ ...bench, history: commit(bench.history, 'Accept', doc) }));
}

test('a change that is not yet in the journal does not count as saved, whatever the journal says meanwhile', async () => {
  const page = opened();
  acceptOne(page);
  page.journal.dispatchEvent(new Event('state'));
  assert.equal(page.store.get().save.kind, 'saving');
  await page.journal.writeAll();
  assert.equal(page.store.get().save.kind, 'saved');
});

test('an image is not handed in before its last change is on this device', async () => {
  const page = opened();
  acceptOne(page);
  let isWritten = false;
  const written = page.saving.written().then(() => (isWritten = true));
  await new Promise(setImmediate);
  assert.equal(isWritten, false);
  await page.journal.writeAll();
  await written;
});

test('a correction is saved without a lease', async () => {
  const page = opened(null);
  acceptOne(page);
  assert.deepEqual(page.journal.wishes.map(({ assignment, state }) => [assignment, state]), [[null, 'accepted']]);
  await page.journal.writeAll();
});

test('a mask that is sent while its image is opened is in the list, whatever the server had answered by then', async () => {
  const page = opened();
  acceptOne(page);
  const [wish] = page.journal.wishes;
  page.journal.unsaved = [wish];
  const { present } = await page.saving.historyOf('image', async () => {
    page.journal.unsaved = [];
    return { masks: [] };
  });
  assert.deepEqual(present.masks.map(({ id, area }) => [id, area]), [['mask', 25]]);
  await page.journal.writeAll();
});
