import assert from 'node:assert/strict';
import { test } from 'node:test';
import { areaOf, contains } from '../../web/static/js/geometry/raster.js';
import { encode } from '../../web/static/js/geometry/rle.js';
import { changesBetween } from '../../web/static/js/state/changes.js';
import { PALETTE, pickColor } from '../../web/static/js/state/colors.js';
import { addPoint, answer, chooseCandidate, maskOf, movePoint, needsAnswer, newCurrent, paint, removePoint, setBox } from '../../web/static/js/state/current.js';
import { strokeArea } from '../../web/static/js/state/painted.js';
import { amend, commit, EMPTY_DOC, newHistory, redo, redoLabel, undo, undoLabel } from '../../web/static/js/state/history.js';
import { acceptCurrent, acceptWithParts, deleteMask, docFromServer, giveUpCurrent, inHand, isSentBack, maskAt, reopen } from '../../web/static/js/state/masks.js';

/** @typedef {import('../../web/static/js/state/types.js').Candidate} Candidate */
/** @typedef {import('../../web/static/js/state/types.js').Stroke} Stroke */

const SIZE = { width: 40, height: 25 };
const FACTS = { size: SIZE, modelVersion: 'model-1' };

/** @param {number} x0 @param {number} y0 @param {number} x1 @param {number} y1 */
function rectangle(x0, y0, x1, y1) {
  return { ...SIZE, box: /** @type {[number, number, number, number]} */ ([x0, y0, x1, y1]), bits: new Uint8Array((x1 - x0) * (y1 - y0)).fill(1) };
}

/** @param {number} token @param {number} right @returns {Candidate} */
function candidate(token, right) {
  return { token, predictedIou: 0.9 - token / 100, stability: 0.8, lowRes: Float32Array.of(token), mask: rectangle(4, 3, right, 12), rle: null };
}

/** @param {'brush' | 'eraser'} mode @param {number} x @param {number} y @param {number} size @returns {Stroke} */
const stroke = (mode, x, y, size) => ({ mode, shape: 'square', size, points: [[x, y]] });

const clicked = () => addPoint(newCurrent('a'), { x: 5, y: 6, label: 1 }, SIZE);
const answered = () => answer(clicked(), [candidate(1, 10), candidate(2, 20), candidate(3, 30)], null);

test('a prompt needs an answer until the decoder has given one', () => {
  assert.equal(needsAnswer(newCurrent('a')), false);
  assert.equal(needsAnswer(clicked()), true);
  assert.equal(needsAnswer(answered()), false);
});

test('the next click is fed the logits of the candidate that was chosen', () => {
  const current = addPoint(chooseCandidate(answered(), 2), { x: 35, y: 20, label: 0 }, SIZE);
  assert.deepEqual([...(current.feed ?? [])], [3]);
  assert.deepEqual(current.points.map(({ label }) => label), [1, 0]);
  assert.equal(current.candidates.length, 0);
});

test('the mask stays on screen while the next answer is awaited', () => {
  const current = addPoint(answered(), { x: 35, y: 20, label: 0 }, SIZE);
  assert.equal(areaOf(maskOf(current, SIZE)), 6 * 9);
});

test('taking a point away or moving it gives no logits back, for they speak of the point', () => {
  const two = answer(addPoint(answered(), { x: 35, y: 20, label: 0 }, SIZE), [candidate(0, 12)], null);
  assert.equal(removePoint(two, 0, SIZE).feed, null);
  const moved = movePoint(two, 1, { x: 30, y: 18 }, SIZE);
  assert.equal(moved.feed, null);
  assert.deepEqual(moved.points[1], { x: 30, y: 18, label: 0 });
});

test('the remembered grain is chosen for the next object', () => {
  const grained = answer(clicked(), [candidate(3, 30), candidate(1, 10), candidate(2, 20)], 2);
  assert.equal(grained.candidates[grained.chosen].token, 2);
  const other = answer(clicked(), [candidate(0, 30)], 2);
  assert.equal(other.chosen, 0);
});

test('a painted pixel stays when a later click takes its place away', () => {
  const painted = paint(answered(), stroke('brush', 35, 20, 4), strokeArea(SIZE, stroke('brush', 35, 20, 4)));
  const later = answer(addPoint(painted, { x: 35, y: 20, label: 0 }, SIZE), [candidate(0, 8)], null);
  assert.equal(contains(maskOf(later, SIZE), 35, 20), true);
});

test('an erased pixel stays away when a later click asks for it', () => {
  const erasing = stroke('eraser', 6, 6, 2);
  const erased = paint(answered(), erasing, strokeArea(SIZE, erasing));
  const later = answer(addPoint(erased, { x: 6, y: 6, label: 1 }, SIZE), [candidate(0, 30)], null);
  assert.equal(contains(maskOf(later, SIZE), 6, 6), false);
  assert.equal(contains(maskOf(later, SIZE), 9, 9), true);
});

test('of two strokes over a pixel the last one decides', () => {
  const brush = stroke('brush', 20, 20, 6);
  const eraser = stroke('eraser', 20, 20, 2);
  const current = paint(paint(newCurrent('a'), brush, strokeArea(SIZE, brush)), eraser, strokeArea(SIZE, eraser));
  assert.equal(areaOf(maskOf(current, SIZE)), 36 - 4);
  const again = paint(current, brush, strokeArea(SIZE, brush));
  assert.equal(areaOf(maskOf(again, SIZE)), 36);
});

test('a second box takes the place of the first', () => {
  const current = setBox(setBox(newCurrent('a'), [1, 2, 9, 8], SIZE), [3, 2, 30, 9], SIZE);
  assert.deepEqual(current.box, [3, 2, 30, 9]);
  assert.equal(current.steps.length, 2);
});

test('accepting lists the mask with its provenance and empties the hand', () => {
  const doc = acceptCurrent(inHand(EMPTY_DOC, answered()), FACTS);
  assert.equal(doc.current, null);
  const [mask] = doc.masks;
  assert.deepEqual([mask.id, mask.state, mask.area, mask.orderIndex, mask.modelVersion], ['a', 'accepted', 54, 0, 'model-1']);
  assert.deepEqual(mask.steps, [{ kind: 'point', x: 5, y: 6, label: 1 }]);
});

test('an empty mask cannot be accepted and stays in hand', () => {
  const doc = inHand(EMPTY_DOC, clicked());
  assert.equal(acceptCurrent(doc, FACTS), doc);
});

test('a mask opened again keeps its place, colour and identity', () => {
  const first = acceptCurrent(inHand(EMPTY_DOC, answered()), FACTS);
  const second = acceptCurrent(inHand(first, { ...answered(), id: 'b' }), FACTS);
  const brush = stroke('brush', 38, 23, 3);
  const opened = reopen(second, 'a');
  const { current } = opened;
  assert.ok(current?.reopened);
  const changed = acceptCurrent(inHand(opened, paint(current, brush, strokeArea(SIZE, brush))), FACTS);
  assert.deepEqual(changed.masks.map((mask) => [mask.id, mask.orderIndex, mask.color]), second.masks.map((mask) => [mask.id, mask.orderIndex, mask.color]));
  assert.equal(changed.masks[0].area, 54 + 9);
});

test('giving up keeps the mask as a draft that is marked', () => {
  const [mask] = giveUpCurrent(inHand(EMPTY_DOC, answered()), FACTS).masks;
  assert.deepEqual([mask.state, mask.givenUp], ['draft', true]);
  assert.deepEqual(giveUpCurrent(inHand(EMPTY_DOC, clicked()), FACTS), EMPTY_DOC);
});

test('undo and redo walk over clicks, accepts and deletes on one timeline', () => {
  const clickedDoc = inHand(EMPTY_DOC, answered());
  const accepted = acceptCurrent(clickedDoc, FACTS);
  const deleted = deleteMask(accepted, 'a');
  let history = commit(commit(commit(newHistory(), 'Point', clickedDoc), 'Accept', accepted), 'Delete', deleted);
  assert.equal(undoLabel(history), 'Delete');
  history = undo(undo(history));
  assert.equal(history.present, clickedDoc);
  assert.equal(redoLabel(history), 'Accept');
  history = redo(redo(history));
  assert.equal(history.present, deleted);
  assert.equal(redo(history), history);
});

test('an act after undo forgets what was undone, an amendment does not', () => {
  const doc = inHand(EMPTY_DOC, clicked());
  const undone = undo(commit(newHistory(), 'Point', doc));
  assert.equal(amend(undone, { ...undone.present }).future.length, 1);
  assert.equal(commit(undone, 'Box', { ...doc }).future.length, 0);
});

test('the server hears of accepts, changes, deletes and their undoing, and of nothing else', () => {
  const held = inHand(EMPTY_DOC, answered());
  const accepted = acceptCurrent(held, FACTS);
  assert.deepEqual(changesBetween(EMPTY_DOC, held), []);
  assert.deepEqual(changesBetween(held, accepted).map(({ kind }) => kind), ['save']);
  assert.deepEqual(changesBetween(accepted, held).map(({ kind, mask }) => [kind, mask.id]), [['delete', 'a']]);
  assert.deepEqual(changesBetween(accepted, reopen(accepted, 'a')), []);
});

test('the smallest mask under the pointer is the one that is meant', () => {
  const large = acceptCurrent(inHand(EMPTY_DOC, answer(clicked(), [candidate(3, 30)], null)), FACTS);
  const both = acceptCurrent(inHand(large, { ...answered(), id: 'b' }), FACTS);
  assert.equal(maskAt(both, 5.5, 5.5)?.id, 'b');
  assert.equal(maskAt(both, 25, 5)?.id, 'a');
  assert.equal(maskAt(both, 39, 24), null);
});

test('masks of the server come in the order they were made, without the deleted', () => {
  const row = { rle: encode(rectangle(2, 3, 9, 5)), predicted_iou: 0.7, model_version: null, given_up: false };
  const doc = docFromServer([
    { ...row, id: 'late', state: 'accepted', order_index: 5 },
    { ...row, id: 'gone', state: 'deleted', order_index: 1 },
    { ...row, id: 'early', state: 'draft', order_index: 2 },
  ]);
  assert.deepEqual(doc.masks.map(({ id, area, state }) => [id, area, state]), [['early', 14, 'draft'], ['late', 14, 'accepted']]);
  assert.deepEqual(doc.masks[0].box, [2, 3, 9, 5]);
});

test('no mask of the server is decoded before it is looked at', () => {
  const encoded = encode(rectangle(2, 3, 9, 5));
  let reads = 0;
  const rle = { size: encoded.size, get counts() { reads += 1; return encoded.counts; } };
  const row = { id: 'a', rle, area: 14, bbox: /** @type {const} */ ([2, 3, 9, 5]), state: /** @type {const} */ ('accepted'), order_index: 0, predicted_iou: null, model_version: null, given_up: false };
  const doc = docFromServer([{ ...row, rle, bbox: [...row.bbox] }]);
  assert.deepEqual([doc.masks[0].area, doc.masks[0].box, reads], [14, [2, 3, 9, 5], 0]);
  assert.equal(maskAt(doc, 20, 20), null);
  assert.equal(reads, 0, 'nor where it is not');
  assert.equal(maskAt(doc, 8.5, 4.5)?.id, 'a');
  assert.ok(reads > 0);
});

test('a mask that was sent back is so until its pixels are accepted anew', () => {
  const review = { outcome: /** @type {const} */ ('rejected'), reason: 'missing_part', note: '', pins: [], version: 2, iou: null, at: '' };
  const row = { id: 'a', rle: encode(rectangle(4, 3, 10, 12)), state: /** @type {const} */ ('accepted'), order_index: 0, predicted_iou: null, model_version: null, given_up: false };
  const doc = docFromServer([{ ...row, review }, { ...row, id: 'b', order_index: 1, review: { ...review, outcome: 'accepted' } }, { ...row, id: 'c', order_index: 2 }]);
  assert.deepEqual(doc.masks.map(isSentBack), [true, false, false]);
  const current = paint(/** @type {import('../../web/static/js/state/types.js').Current} */ (reopen(doc, 'a').current), stroke('brush', 20, 20, 3), strokeArea(SIZE, stroke('brush', 20, 20, 3)));
  assert.equal(isSentBack(acceptCurrent(inHand(doc, current), FACTS).masks[0]), false);
});

test('twelve masks side by side wear twelve colours', () => {
  /** @type {{box: [number, number, number, number], color: number}[]} */
  const masks = [];
  for (let i = 0; i < PALETTE.length; i += 1) masks.push({ box: [i, 0, i + 2, 9], color: pickColor(masks, [i, 0, i + 2, 9]) });
  assert.equal(new Set(masks.map(({ color }) => color)).size, PALETTE.length);
});

test('a colour may come again only far from where it is worn', () => {
  const far = Array.from({ length: 40 }, (_, i) => ({ box: /** @type {[number, number, number, number]} */ ([500, 0, 510, 10]), color: i % PALETTE.length }));
  const near = { box: /** @type {[number, number, number, number]} */ ([0, 0, 9, 9]), color: 4 };
  assert.notEqual(pickColor([...far, near], [10, 0, 20, 9]), 4);
});

test('parts are the other candidates that lie in the mask and are no copy of it', () => {
  const outside = { ...candidate(4, 10), mask: rectangle(30, 15, 38, 22) };
  const copy = { ...candidate(5, 30), mask: rectangle(4, 3, 29, 12) };
  const all = answer(clicked(), [candidate(3, 30), candidate(1, 10), outside, copy, candidate(2, 20)], null);
  const names = ['b', 'c'];
  const { masks, current } = acceptWithParts(inHand(EMPTY_DOC, all), FACTS, () => names.shift() ?? 'more');
  assert.equal(current, null);
  assert.deepEqual(masks.map(({ id, area }) => [id, area]), [['a', 26 * 9], ['b', 16 * 9], ['c', 6 * 9]]);
  assert.deepEqual(masks[1].steps.at(-1), { kind: 'part_of', mask: 'a' });
  assert.deepEqual(masks.map(({ orderIndex }) => orderIndex), [0, 1, 2]);
});

test('where masks may not overlap an accepted one takes its pixels, and paint with them', () => {
  const facts = { ...FACTS, overlapRule: /** @type {const} */ ('exclusive') };
  const painted = paint(newCurrent('old'), stroke('brush', 10, 10, 8), strokeArea(SIZE, stroke('brush', 10, 10, 8)));
  const first = acceptCurrent(inHand(EMPTY_DOC, painted), facts);
  const over = paint(newCurrent('new'), stroke('brush', 14, 10, 8), strokeArea(SIZE, stroke('brush', 14, 10, 8)));
  const second = acceptCurrent(inHand(first, over), facts);
  assert.deepEqual(second.masks.map(({ area }) => area), [32, 64]);
  const again = reopen(second, 'old').current;
  assert.ok(again);
  assert.equal(areaOf(maskOf(again, SIZE)), 32, 'opened again it does not paint over the other');
  assert.deepEqual(changesBetween(first, second).map(({ kind, mask }) => [kind, mask.id]), [['save', 'old'], ['save', 'new']]);
});

/** @param {import('../../web/static/js/state/types.js').Doc} doc @param {string} id @param {[number, number, number, number]} box @param {import('../../web/static/js/state/overlap.js').OverlapRule} overlapRule */
function withAccepted(doc, id, box, overlapRule) {
  const drawn = { ...newCurrent(id), answered: true, candidates: [{ ...candidate(1, 10), mask: rectangle(...box) }] };
  return acceptCurrent(inHand(doc, drawn), { ...FACTS, overlapRule });
}

/** @param {import('../../web/static/js/state/types.js').Doc} doc @returns {Record<string, [number, string | null | undefined]>} area and parent by id */
const family = (doc) => Object.fromEntries(doc.masks.map(({ id, area, parent }) => [id, [area, parent]]));

test('where parts are allowed the inner mask becomes a part of the outer, whichever came first', () => {
  const person = withAccepted(EMPTY_DOC, 'person', [2, 2, 22, 22], 'parent_child');
  const head = withAccepted(person, 'head', [4, 4, 14, 14], 'parent_child');
  assert.deepEqual(family(head), { person: [400, null], head: [100, 'person'] });
  const eye = withAccepted(head, 'eye', [6, 6, 9, 8], 'parent_child');
  assert.deepEqual(family(eye).eye, [6, 'head'], 'of the smallest that it lies in');
  const room = withAccepted(eye, 'room', [0, 0, 30, 25], 'parent_child');
  assert.deepEqual(family(room), { person: [400, 'room'], head: [100, 'person'], eye: [6, 'head'], room: [750, null] });
  const face = withAccepted(room, 'face', [5, 5, 13, 13], 'parent_child');
  assert.deepEqual(family(face), { ...family(room), eye: [6, 'face'], face: [64, 'head'] }, 'comes in between');
  assert.deepEqual(changesBetween(room, face).map(({ mask }) => mask.id), ['eye', 'face'], 'a new parent is worth a save');
});

test('where parts are allowed the newer of two that are not related takes what they share', () => {
  const person = withAccepted(EMPTY_DOC, 'person', [2, 2, 22, 22], 'parent_child');
  const arm = withAccepted(person, 'arm', [2, 8, 12, 12], 'parent_child');
  const hand = withAccepted(arm, 'hand', [10, 8, 16, 12], 'parent_child');
  assert.deepEqual(family(hand), { person: [400, null], arm: [32, 'person'], hand: [24, 'person'] }, 'parts of one whole do not overlap');
  const dog = withAccepted(hand, 'dog', [14, 8, 34, 12], 'parent_child');
  assert.deepEqual(family(dog), { person: [400 - 32, null], arm: [32, 'person'], hand: [16, 'person'], dog: [80, null] });
  const twin = withAccepted(person, 'twin', [2, 2, 22, 21], 'parent_child');
  assert.deepEqual(family(twin), { person: [20, null], twin: [380, null] }, 'nearly the same mask is no part');
});

test('a part that is opened again stays one as long as it lies in the whole', () => {
  const person = withAccepted(EMPTY_DOC, 'person', [2, 2, 22, 22], 'parent_child');
  const head = withAccepted(person, 'head', [4, 4, 14, 14], 'parent_child');
  const moved = withAccepted(head, 'head', [4, 4, 15, 15], 'parent_child');
  assert.deepEqual(family(moved), { person: [400, null], head: [121, 'person'] });
  const gone = withAccepted(moved, 'head', [20, 4, 30, 14], 'parent_child');
  assert.deepEqual(family(gone), { person: [400 - 20, null], head: [100, null] });
  const smaller = withAccepted(head, 'person', [6, 6, 22, 22], 'parent_child');
  assert.deepEqual(family(smaller), { person: [256, null], head: [100, 'person'] }, 'a whole that shrinks leaves its parts alone');
  const inner = withAccepted(head, 'person', [6, 6, 10, 10], 'parent_child');
  assert.deepEqual(family(inner), { person: [16, 'head'], head: [100, null] }, 'nor is anything a part of its part');
});

test('parts know their whole under every rule, and take its pixels where nothing may overlap', () => {
  const all = inHand(EMPTY_DOC, answer(clicked(), [candidate(3, 30), candidate(1, 10), candidate(2, 20)], null));
  const kept = (/** @type {import('../../web/static/js/state/overlap.js').OverlapRule} */ overlapRule) => {
    const names = ['b', 'c'];
    return family(acceptWithParts(all, { ...FACTS, overlapRule }, () => names.shift() ?? 'more'));
  };
  assert.deepEqual(kept('allowed'), { a: [234, null], b: [144, 'a'], c: [54, 'a'] });
  assert.deepEqual(kept('parent_child'), { a: [234, null], b: [144, 'a'], c: [54, 'b'] });
  assert.deepEqual(kept('exclusive'), { a: [90, null], b: [90, 'a'], c: [54, 'a'] });
});
