import assert from 'node:assert/strict';
import { test } from 'node:test';

import { rleOf } from '../../web/static/js/state/rasters.js';
import { addPoint, newCurrent, reopenMask, setBox } from '../../web/static/js/state/current.js';
import { UNPAINTED } from '../../web/static/js/state/painted.js';
import { wholePrompt } from '../../web/static/js/state/whole_prompt.js';

/** @typedef {import('../../web/static/js/state/types.js').Box} Box */
/** @typedef {import('../../web/static/js/state/types.js').Step} Step */

const SIZE = { width: 60, height: 40 };
const BOX = /** @type {Box} */ ([10, 12, 20, 18]);
const POINT = /** @type {const} */ ({ kind: 'point', x: 14, y: 15, label: 1 });

/** @param {readonly Step[]} steps */
function opened(steps) {
  const bits = new Uint8Array((BOX[2] - BOX[0]) * (BOX[3] - BOX[1])).fill(1);
  const rle = rleOf({ ...SIZE, box: BOX, bits });
  const facts = { color: 0, painted: UNPAINTED, predictedIou: null, modelVersion: null, orderIndex: 0, state: /** @type {const} */ ('accepted'), givenUp: false };
  return reopenMask({ id: 'a', rle, area: bits.length, box: BOX, steps, ...facts });
}

/** @param {number} x @param {number} y @param {0 | 1} label @returns {import('../../web/static/js/state/types.js').Point} */
const click = (x, y, label) => ({ x, y, label });

test('an object that is begun now is asked about by its own prompts alone', () => {
  const current = addPoint(newCurrent('a'), click(3, 4, 1), SIZE);
  assert.deepEqual(wholePrompt(current), { points: [click(3, 4, 1)], box: null });
});

test('with a mask that clicks made its clicks and box go, before the new ones', () => {
  const current = addPoint(opened([POINT, { kind: 'box', box: [9, 9, 30, 30] }, { kind: 'candidate', token: 2 }]), click(18, 13, 0), SIZE);
  assert.deepEqual(wholePrompt(current), { points: [click(14, 15, 1), click(18, 13, 0)], box: [9, 9, 30, 30] });
});

test('with any other mask goes its box, grown to what is clicked as a part of it', () => {
  const others = [[], [{ kind: 'imported' }], [POINT, { kind: 'point_moved', index: 0, x: 1, y: 1 }], [POINT, { kind: 'stroke' }]];
  for (const steps of others) {
    const current = opened(steps);
    assert.deepEqual(wholePrompt(addPoint(current, click(12, 13, 0), SIZE)), { points: [click(12, 13, 0)], box: BOX });
    assert.deepEqual(wholePrompt(addPoint(current, click(25, 30, 1), SIZE)).box, [10, 12, 26, 31]);
    assert.deepEqual(wholePrompt(addPoint(current, click(25, 30, 0), SIZE)).box, BOX, 'what is none of it may lie outside');
  }
});

test('a box drawn now takes the place of any other', () => {
  const drawn = /** @type {Box} */ ([0, 0, 5, 5]);
  for (const steps of [[POINT, { kind: 'box', box: BOX }], []]) assert.deepEqual(wholePrompt(setBox(opened(steps), drawn, SIZE)).box, drawn);
});
