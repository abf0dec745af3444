import assert from 'node:assert/strict';
import { test } from 'node:test';

import { changedAt } from '../../web/static/js/geometry/pieces.js';
import { boundingBox, trim } from '../../web/static/js/geometry/raster.js';

/** @typedef {import('../../web/static/js/geometry/types.js').MaskRaster} MaskRaster */

/** @param {readonly string[]} rows  # is set @returns {MaskRaster} */
function drawn(rows) {
  const [height, width] = [rows.length, rows[0].length];
  const bits = Uint8Array.from(rows.join(''), (sign) => (sign === '#' ? 1 : 0));
  return trim({ width, height, box: [0, 0, width, height], bits });
}

/** @param {MaskRaster} mask @returns {string[]} */
function rowsOf({ width, height, box: [x0, y0, x1, y1], bits }) {
  const isSet = (/** @type {number} */ x, /** @type {number} */ y) => x >= x0 && x < x1 && y >= y0 && y < y1 && bits[(y - y0) * (x1 - x0) + x - x0];
  return Array.from({ length: height }, (_, y) => Array.from({ length: width }, (_, x) => (isSet(x, y) ? '#' : '.')).join(''));
}

const MASK = ['..........', '.####.....', '.####.....', '..........', '......##..'];
const ANSWER = ['####......', '.##.......', '.####..#..', '........#.', '......####'];

test('only the piece of the change that holds the click changes', () => {
  const added = changedAt(drawn(MASK), drawn(ANSWER), [{ x: 0, y: 0 }]);
  assert.deepEqual(rowsOf(added), ['####......', '.##.......', '.####.....', '..........', '......##..'], 'what goes below it is of the same piece');
  const corner = changedAt(drawn(MASK), drawn(ANSWER), [{ x: 9, y: 4 }]);
  assert.deepEqual(rowsOf(corner), ['..........', '.####.....', '.####..#..', '........#.', '......####'], 'pixels that share a corner are of one piece');
});

test('each click has its piece, and a click in none changes nothing', () => {
  const [mask, answer] = [drawn(MASK), drawn(ANSWER)];
  for (const clicks of [[], [{ x: 1, y: 1 }], [{ x: 9, y: 0 }], [{ x: -1, y: 2 }, { x: 10, y: 5 }]]) assert.equal(changedAt(mask, answer, clicks), mask);
  assert.equal(changedAt(mask, answer, [{ x: 3, y: 1 }, { x: 8, y: 3 }]), answer, 'both pieces are all of the change');
  assert.equal(changedAt(mask, mask, [{ x: 1, y: 1 }]), mask);
});

test('a mask that goes leaves none, and one that comes was none', () => {
  const [mask, none] = [drawn(['...', '.#.', '#..']), drawn(['...', '...', '...'])];
  assert.equal(changedAt(mask, none, [{ x: 1, y: 1 }]), none);
  assert.equal(changedAt(none, mask, [{ x: 0, y: 2 }]), mask);
  const half = changedAt(drawn(['#.#']), drawn(['...']), [{ x: 0, y: 0 }]);
  assert.deepEqual([half.box, boundingBox(half)], [[2, 0, 3, 1], [2, 0, 3, 1]], 'the box is tight');
});

test('pieces are those of a plain search through neighbours, whatever their shape', () => {
  let seed = 7;
  const random = () => (seed = (seed * 1103515245 + 12345) % 2 ** 31) / 2 ** 31;
  const [width, height] = [23, 17];
  for (let round = 0; round < 60; round++) {
    const scatter = () => Array.from({ length: height }, () => Array.from({ length: width }, () => (random() < 0.28 ? '#' : '.')).join(''));
    const [before, after] = [scatter(), scatter()];
    const start = { x: Math.floor(random() * width), y: Math.floor(random() * height) };
    assert.deepEqual(rowsOf(changedAt(drawn(before), drawn(after), [start])), searched(before, after, start));
  }
});

/**
 * @param {string[]} before
 * @param {string[]} after
 * @param {{x: number, y: number}} start
 */
function searched(before, after, start) {
  const rows = before.map((row) => [...row]);
  const open = [start];
  for (let at = open.pop(); at; at = open.pop()) {
    const { x, y } = at;
    if (!rows[y]?.[x] || rows[y][x] === after[y][x]) continue;
    rows[y][x] = after[y][x];
    for (const dy of [-1, 0, 1]) for (const dx of [-1, 0, 1]) open.push({ x: x + dx, y: y + dy });
  }
  return rows.map((row) => row.join(''));
}
