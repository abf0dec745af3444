import assert from 'node:assert/strict';
import { test } from 'node:test';

import { countsToString, encode, numRuns, stringToCounts } from '../../web/static/js/geometry/rle.js';
import { Acts } from '../../web/static/js/pages/workbench/acts.js';
import { newCurrent } from '../../web/static/js/state/current.js';
import { newHistory } from '../../web/static/js/state/history.js';
import { inHand } from '../../web/static/js/state/masks.js';
import { createStore } from '../../web/static/js/state/store.js';
import { docOf, FIRST } from '../../web/static/js/state/workbench.js';

/** @typedef {import('../../web/static/js/state/workbench.js').Workbench} Workbench */

/** Every other pixel of every other row. @param {number} width @param {number} height */
function specks(width, height) {
  const bits = Uint8Array.from({ length: width * height }, (_, at) => Number(at % width % 2 === 0 && Math.floor(at / width) % 2 === 0));
  return { width, height, box: /** @type {[number, number, number, number]} */ ([0, 0, width, height]), bits };
}

/** A page with such a mask in hand. @param {number} width @param {number} height */
function speckled(width, height) {
  const image = { id: 'image', name: 'sand.png', width, height, fileUrl: '' };
  const current = { ...newCurrent('mask'), painted: { add: encode(specks(width, height)), remove: null } };
  const history = newHistory(inHand(newHistory().present, current));
  const store = createStore(/** @type {Workbench} */ ({ ...FIRST, image, history, editing: 'open' }), () => {});
  /** @type {{message: string, options: any}[]} */
  const said = [];
  const acts = new Acts({
    store,
    recorder: /** @type {any} */ ({ record() {} }),
    modelVersion: () => null,
    objectBegins() {},
    say: (message, options) => said.push({ message, options }),
  });
  return { acts, said, store };
}

test('runs are counted without being read', () => {
  for (const counts of [[0, 5], [7], [3, 1, 4, 1, 5, 9, 2, 6], [100_000, 1, 2, 70_000, 33, 1]]) {
    const text = countsToString(counts);
    assert.equal(numRuns(text), stringToCounts(text).length);
  }
});

test('a mask of more runs than are good is accepted with an offer to clean it up', () => {
  const { acts, said, store } = speckled(901, 701);
  assert.ok(acts.accept());
  assert.equal(docOf(store.get()).masks.length, 1);
  assert.match(said[0].message, /^This mask has 316,\d{3} runs/);
  said[0].options.action.run();
  assert.ok(store.get().cleanUp);
});

test('a mask of fewer runs is accepted without a word', () => {
  const { acts, said } = speckled(901, 601);
  assert.ok(acts.accept());
  assert.deepEqual(said, []);
});
