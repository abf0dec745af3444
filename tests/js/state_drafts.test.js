import assert from 'node:assert/strict';
import { test } from 'node:test';
import { areaOf } from '../../web/static/js/geometry/raster.js';
import { addPoint, answer, maskOf, movePoint, needsAnswer, newCurrent, paint, removePoint, setBox } from '../../web/static/js/state/current.js';
import { strokeArea } from '../../web/static/js/state/painted.js';
import { draftOf, isInHand, resumed, takenInHand } from '../../web/static/js/state/drafts.js';
import { EMPTY_DOC } from '../../web/static/js/state/history.js';
import { acceptCurrent, inHand, reopen } from '../../web/static/js/state/masks.js';

/** @typedef {import('../../web/static/js/state/types.js').Current} Current */
/** @typedef {import('../../web/static/js/state/types.js').Mask} Mask */

const SIZE = { width: 40, height: 25 };
const FACTS = { size: SIZE, modelVersion: 'model-1' };
const mask = { ...SIZE, box: /** @type {[number, number, number, number]} */ ([4, 3, 14, 12]), bits: new Uint8Array(90).fill(1) };
const candidate = { token: 1, predictedIou: 0.9, stability: 0.8, lowRes: Float32Array.of(1), mask, rle: null };

/** @param {Current} current @param {'brush' | 'eraser'} mode @param {number} x */
function painted(current, mode, x) {
  const stroke = /** @type {const} */ ({ mode, shape: 'square', size: 4, points: [[x, 7]] });
  return paint(current, stroke, strokeArea(SIZE, stroke));
}

/** Two points and a box of which one point was moved and one taken away, answered, then painted and erased. */
function worked() {
  let current = addPoint(newCurrent('a'), { x: 5, y: 6, label: 1 }, SIZE);
  current = addPoint(current, { x: 30, y: 20, label: 0 }, SIZE);
  current = movePoint(current, 0, { x: 6, y: 7 }, SIZE);
  current = removePoint(setBox(current, [2, 3, 20, 15], SIZE), 1, SIZE);
  return painted(painted(answer(current, [candidate], null), 'brush', 30), 'eraser', 5);
}

/** @param {Current} current @returns {Mask} */
function drafted(current) {
  const draft = draftOf(inHand(EMPTY_DOC, current), FACTS);
  assert.ok(draft);
  return draft;
}

test('an object in hand goes on elsewhere as it was: mask, prompt, painted pixels and provenance', () => {
  const current = worked();
  const draft = drafted(current);
  assert.deepEqual([draft.state, draft.givenUp, isInHand(draft)], ['draft', false, true]);
  const again = resumed(draft);
  assert.deepEqual([again.points, again.box, again.steps], [current.points, current.box, current.steps]);
  assert.equal(areaOf(maskOf(again, SIZE)), areaOf(maskOf(current, SIZE)));
  assert.deepEqual(again.painted, current.painted);
  const [mine, theirs] = [current, again].map((one) => acceptCurrent(inHand(EMPTY_DOC, one), FACTS).masks[0]);
  assert.deepEqual([theirs.id, theirs.rle, theirs.modelVersion, theirs.predictedIou], [mine.id, mine.rle, 'model-1', 0.9]);
});

test('a prompt that the model has not answered is answered elsewhere', () => {
  const again = resumed(drafted(addPoint(newCurrent('a'), { x: 5, y: 6, label: 1 }, SIZE)));
  assert.equal(needsAnswer(again), true);
  assert.equal(areaOf(maskOf(again, SIZE)), 0);
});

test('a mask that was opened again is no draft: what was accepted stands until the next accept', () => {
  const doc = acceptCurrent(inHand(EMPTY_DOC, worked()), FACTS);
  assert.equal(draftOf(reopen(doc, 'a'), FACTS), null);
  assert.equal(draftOf(inHand(EMPTY_DOC, newCurrent('b')), FACTS), null);
});

test('of what the server holds in hand, this device goes on with its own object, else with the newest', () => {
  const [first, second] = ['a', 'b'].map((id) => ({ ...drafted({ ...worked(), id }), id }));
  const truth = { masks: [first, second], current: null };
  const always = () => true;
  assert.equal(takenInHand(truth, null, always).current?.id, 'b');
  assert.deepEqual(takenInHand(truth, null, always).masks, [first]);
  const mine = worked();
  assert.equal(takenInHand(truth, mine, always).current, mine, 'it still has its logits');
  const earlier = { ...mine, steps: mine.steps.slice(0, 2) };
  assert.equal(takenInHand(truth, earlier, always).current?.steps.length, mine.steps.length);
  assert.equal(takenInHand(truth, { ...mine, id: 'c' }, always), truth);
  assert.equal(takenInHand(truth, null, () => false), truth, 'of somebody else');
});
