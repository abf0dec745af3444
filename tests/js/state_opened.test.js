import assert from 'node:assert/strict';
import { test } from 'node:test';

import { contains } from '../../web/static/js/geometry/raster.js';
import { addPoint, answer, chooseCandidate, maskOf, movePoint, paint, reopenMask, setBox } from '../../web/static/js/state/current.js';
import { commit, EMPTY_DOC, newHistory, redo, undo } from '../../web/static/js/state/history.js';
import { acceptCurrent, acceptWithParts, inHand, reopen } from '../../web/static/js/state/masks.js';
import { strokeArea, UNPAINTED } from '../../web/static/js/state/painted.js';
import { rleOf } from '../../web/static/js/state/rasters.js';
import { historyFrom, timelineOf } from '../../web/static/js/state/timeline.js';

/** @typedef {import('../../web/static/js/state/types.js').Current} Current */
/** @typedef {import('../../web/static/js/state/types.js').Step} Step */

const SIZE = { width: 40, height: 20 };
const FACTS = { size: SIZE, modelVersion: 'now' };
const POINT = /** @type {const} */ ({ kind: 'point', x: 14, y: 9, label: 1 });
/** Two more columns left and right than the opened mask, and none of its middle. */
const WIDE = /** @type {const} */ ([[8, 5, 13, 15], [18, 5, 23, 15]]);
const LEFT = /** @type {const} */ ({ x: 9, y: 9, label: 1 });
const RIGHT = /** @type {const} */ ({ x: 22, y: 9, label: 1 });
const MIDDLE = /** @type {const} */ ({ x: 15, y: 9, label: 0 });

/** @param {...readonly [number, number, number, number]} boxes  set in any of them */
function boxes(...boxes) {
  const bits = new Uint8Array(SIZE.width * SIZE.height);
  for (const [x0, y0, x1, y1] of boxes) for (let y = y0; y < y1; y++) bits.fill(1, y * SIZE.width + x0, y * SIZE.width + x1);
  return { ...SIZE, box: /** @type {[number, number, number, number]} */ ([0, 0, SIZE.width, SIZE.height]), bits };
}

/** @param {readonly Step[]} [steps] */
function listed(steps = [{ kind: 'imported' }]) {
  const facts = { color: 0, painted: UNPAINTED, predictedIou: 0.6, modelVersion: 'before', orderIndex: 0, state: /** @type {const} */ ('accepted'), givenUp: false };
  return { id: 'a', rle: rleOf(boxes([10, 5, 21, 15])), area: 110, box: /** @type {[number, number, number, number]} */ ([10, 5, 21, 15]), steps, ...facts };
}

/** @param {Current} current @param {...readonly [number, number, number, number]} mask @returns {Current} */
function answered(current, ...mask) {
  return answer(current, [{ token: 0, predictedIou: 0.9, stability: 0.8, lowRes: Float32Array.of(mask.length), mask: boxes(...mask), rle: null }], 2);
}

/** @param {Current} current @returns {string} columns of the middle row that are set, as runs */
function columns(current) {
  const mask = maskOf(current, SIZE);
  const set = Array.from({ length: SIZE.width }, (_, x) => x).filter((x) => contains(mask, x, 9));
  return set.filter((x) => !set.includes(x - 1)).map((from) => `${from}-${set.find((x) => x >= from && !set.includes(x + 1))}`).join(' ');
}

const opened = () => reopenMask(listed());
const clicked = () => answered(addPoint(opened(), LEFT, SIZE), ...WIDE);

test('a click on an opened mask changes the piece that holds it; the whole answer is the other choice', () => {
  const here = clicked();
  assert.deepEqual(here.candidates.map(({ atClickOnly, predictedIou }) => [atClickOnly, predictedIou]), [[true, null], [false, 0.9]]);
  assert.equal(columns(here), '8-20');
  const whole = chooseCandidate(here, 1);
  assert.equal(columns(whole), '8-12 18-22');
  assert.equal(columns(chooseCandidate(whole, 0)), '8-20');
});

test('each click adds its piece to those before, and the model is fed what it said itself', () => {
  const asked = addPoint(clicked(), MIDDLE, SIZE);
  assert.deepEqual([...(asked.feed ?? [])], [WIDE.length]);
  assert.equal(columns(asked), '8-20', 'shown until the answer is there');
  const second = answered(asked, [18, 5, 23, 15]);
  assert.equal(columns(second), '18-20', 'what goes now is one piece, also where the first click had added');
  assert.equal(columns(answered(asked, ...WIDE)), '8-12 18-20');
  assert.equal(columns(answered(addPoint(addPoint(opened(), LEFT, SIZE), RIGHT, SIZE), ...WIDE)), '8-22', 'two clicks before one answer have a piece each');
});

test('the choice stays for the clicks to come', () => {
  const whole = chooseCandidate(clicked(), 1);
  assert.equal(columns(answered(addPoint(whole, { x: 30, y: 9, label: 1 }, SIZE), [8, 5, 13, 15], [28, 5, 33, 15])), '8-12 28-32');
});

test('where the click would change nothing the mask stays, and a whole change is no choice', () => {
  const nothing = answered(addPoint(opened(), { x: 30, y: 9, label: 1 }, SIZE), ...WIDE);
  assert.equal(columns(nothing), '10-20');
  assert.equal(nothing.candidates[0].rle?.counts, nothing.base?.counts);
  assert.equal(answered(addPoint(opened(), LEFT, SIZE), [8, 5, 21, 15]).candidates.length, 1);
  assert.equal(answered(addPoint(opened(), LEFT, SIZE), [10, 5, 21, 15]).candidates.length, 1, 'nor is none');
});

test('the whole answer comes first where clicks and boxes alone made the mask', () => {
  const goesOn = answered(addPoint(reopenMask(listed([POINT])), LEFT, SIZE), ...WIDE);
  assert.equal(columns(goesOn), '8-12 18-22');
  assert.equal(columns(chooseCandidate(goesOn, 0)), '8-20');
  for (const steps of [[], [POINT, { kind: 'stroke' }], [{ ...POINT, at_click_only: true }], [{ ...POINT, with_mask_box: true }]]) {
    assert.equal(columns(answered(addPoint(reopenMask(listed(steps)), LEFT, SIZE), ...WIDE)), '8-20');
  }
});

test('a box is about the whole mask, a moved point about all clicks since the mask was opened', () => {
  const boxed = answered(setBox(opened(), [8, 5, 23, 15], SIZE), ...WIDE);
  assert.deepEqual([columns(boxed), boxed.candidates.length], ['8-12 18-22', 1]);
  assert.equal(columns(answered(addPoint(boxed, MIDDLE, SIZE), [8, 5, 13, 15])), '8-12 18-22', 'and a click after it about its place');
  const two = answered(addPoint(clicked(), RIGHT, SIZE), ...WIDE);
  assert.equal(columns(two), '8-22');
  const moved = movePoint(two, 1, { x: 35, y: 2 }, SIZE);
  assert.equal(columns(moved), '10-20');
  assert.equal(columns(answered(moved, ...WIDE)), '8-20');
});

test('paint holds against either answer and splits no piece that was taken', () => {
  const stroke = /** @type {const} */ ({ mode: 'eraser', shape: 'square', size: 1, points: [[9, 9]] });
  const across = paint(clicked(), stroke, boxes([9, 0, 10, 20]));
  assert.equal(columns(across), '8-8 10-20');
  assert.equal(columns(chooseCandidate(across, 1)), '8-8 10-12 18-22');
  assert.equal(columns(answered(addPoint(across, LEFT, SIZE), [8, 5, 21, 15])), '8-8 10-20');
  const brush = /** @type {const} */ ({ mode: 'brush', shape: 'square', size: 2, points: [[30, 10]] });
  const painted = paint(opened(), brush, strokeArea(SIZE, brush));
  assert.equal(columns(answered(addPoint(painted, LEFT, SIZE), ...WIDE)), '8-20 29-30');
});

test('the prompts say which clicks changed only pieces, and nobody predicted such a mask', () => {
  const accepted = (/** @type {Current} */ current) => acceptCurrent({ masks: [listed()], current }, FACTS).masks[0];
  const asked = { kind: 'point', ...LEFT, with_mask_box: true };
  const here = accepted(clicked());
  assert.deepEqual(here.steps, [{ kind: 'imported' }, { ...asked, at_click_only: true }]);
  assert.deepEqual([here.predictedIou, here.modelVersion], [null, 'now']);
  const whole = accepted(chooseCandidate(clicked(), 1));
  assert.deepEqual([whole.steps, whole.predictedIou], [[{ kind: 'imported' }, asked], 0.9]);
  const again = accepted(chooseCandidate(chooseCandidate(clicked(), 1), 0));
  assert.deepEqual(again.steps, here.steps);
  const boxed = accepted(answered(setBox(opened(), [8, 5, 23, 15], SIZE), ...WIDE));
  assert.deepEqual(boxed.steps.at(-1), { kind: 'box', box: [8, 5, 23, 15] }, 'a box of the person needs no mark');
  const parts = acceptWithParts({ masks: [listed()], current: chooseCandidate(clicked(), 1) }, FACTS, () => 'b').masks;
  assert.deepEqual(parts.map(({ id }) => id), ['a'], 'the other answer is no part');
});

test('undo, redo and a reload keep both answers and the choice', () => {
  const doc = { ...EMPTY_DOC, masks: [listed()] };
  const open = commit(newHistory(doc), 'Open mask', reopen(doc, 'a'));
  const whole = chooseCandidate(clicked(), 1);
  const history = commit(open, 'Point', inHand(open.present, whole));
  const back = historyFrom(structuredClone(timelineOf(redo(undo(history)))));
  const current = back?.present.current;
  assert.ok(current);
  assert.deepEqual([columns(current), columns(chooseCandidate(current, 0))], ['8-12 18-22', '8-20']);
  const [moment] = timelineOf(commit(newHistory(inHand(doc, clicked())), 'Clear', doc)).past;
  assert.ok(moment.doc.current);
  assert.deepEqual([moment.doc.current.candidates.length, columns(moment.doc.current)], [1, '8-20']);
});
