import assert from 'node:assert/strict';
import { test } from 'node:test';

import { encode } from '../../web/static/js/geometry/rle.js';
import { UNPAINTED } from '../../web/static/js/state/painted.js';
import { maskAt } from '../../web/static/js/state/masks.js';
import { RowPlaces } from '../../web/static/js/ui/row_places.js';

/** @typedef {import('../../web/static/js/state/types.js').Mask} Mask */

/** @param {number} seed @returns {() => number} 0 to 1 */
function random(seed) {
  let state = seed;
  return () => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return state / 2 ** 31;
  };
}

const SIZE = { width: 610, height: 390 };

/** @param {number} number @param {() => number} next @returns {Mask} a diamond of any size */
function diamond(number, next) {
  const reach = 1 + Math.floor(next() ** 3 * 280);
  const [x, y] = [Math.floor(next() * SIZE.width), Math.floor(next() * SIZE.height)];
  const box = /** @type {[number, number, number, number]} */ ([Math.max(0, x - reach), Math.max(0, y - reach), Math.min(SIZE.width, x + reach + 1), Math.min(SIZE.height, y + reach + 1)]);
  const columns = box[2] - box[0];
  const bits = Uint8Array.from({ length: columns * (box[3] - box[1]) }, (_, i) =>
    Math.abs(box[0] + (i % columns) - x) + Math.abs(box[1] + Math.floor(i / columns) - y) <= reach ? 1 : 0,
  );
  const facts = { color: 0, painted: UNPAINTED, steps: [], predictedIou: null, modelVersion: null, state: /** @type {const} */ ('accepted'), givenUp: false };
  return { id: `m${number}`, rle: encode({ ...SIZE, box, bits }), area: bits.reduce((sum, bit) => sum + bit, 0), box, orderIndex: number, ...facts };
}

/** @param {Mask} mask @param {number} x @param {number} y */
function isIn({ box }, x, y) {
  const [cx, cy] = [(box[0] + box[2] - 1) / 2, (box[1] + box[3] - 1) / 2];
  const reach = (box[2] - box[0] - 1) / 2;
  return Math.abs(x - cx) + Math.abs(y - cy) <= reach;
}

test('the mask under a place is the smallest of all that cover it, of small and of very large ones', () => {
  const next = random(7);
  const all = Array.from({ length: 160 }, (_, number) => diamond(number, next));
  const masks = all.filter(({ box }) => box[0] > 0 && box[1] > 0 && box[2] < SIZE.width && box[3] < SIZE.height);
  const hidden = new Set(masks.filter((_, i) => i % 5 === 0).map(({ id }) => id));
  let found = 0;
  for (let i = 0; i < 3000; i += 1) {
    const [x, y] = [next() * SIZE.width, next() * SIZE.height];
    const wanted = masks.filter((mask) => !hidden.has(mask.id) && isIn(mask, Math.floor(x), Math.floor(y))).map(({ area }) => area);
    const mask = maskAt({ masks, current: null }, x, y, hidden);
    assert.equal(mask?.area, wanted.length ? Math.min(...wanted) : undefined, `${x} ${y}`);
    assert.ok(!mask || isIn(mask, Math.floor(x), Math.floor(y)));
    found += mask ? 1 : 0;
  }
  assert.ok(found > 500);
  assert.ok(masks.length > 60);
});

test('outside the image there is no mask', () => {
  const masks = [diamond(1, () => 0.5)];
  for (const [x, y] of [[-1, 195], [610, 195], [305, -4], [305, 390]]) assert.equal(maskAt({ masks, current: null }, x, y), null);
});

test('rows that were never measured stand where a row of usual height would', () => {
  const places = new RowPlaces(50);
  places.keys = Array.from({ length: 1000 }, (_, i) => `row ${i}`);
  assert.equal(places.height, 50_000);
  assert.deepEqual(places.between(0, 120), { from: 0, to: 3 });
  assert.deepEqual(places.between(49_990, 60_000), { from: 999, to: 1000 });
  assert.deepEqual(places.between(50, 100), { from: 1, to: 2 });
});

test('a taller row moves those below it, wherever it goes', () => {
  const places = new RowPlaces(50);
  places.keys = ['a', 'b', 'c'];
  assert.equal(places.measured(new Map([['a', 50]])), false);
  assert.equal(places.measured(new Map([['b', 90]])), true);
  assert.deepEqual([places.topOf(1), places.topOf(2), places.height], [50, 140, 190]);
  places.keys = ['b', 'c'];
  assert.deepEqual([places.topOf(1), places.height, places.indexOf('a')], [90, 140, -1]);
  places.keys = [];
  assert.equal(places.height, 0);
  assert.deepEqual(places.between(0, 500), { from: 0, to: 0 });
});
