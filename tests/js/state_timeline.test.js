import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logitsToRaster } from '../../web/static/js/geometry/logits.js';
import { frameOf } from '../../web/static/js/geometry/model_frame.js';
import { areaOf } from '../../web/static/js/geometry/raster.js';
import { encode } from '../../web/static/js/geometry/rle.js';
import { addPoint, answer, maskOf, newCurrent } from '../../web/static/js/state/current.js';
import { commit, EMPTY_DOC, newHistory, undo } from '../../web/static/js/state/history.js';
import { imprint, logitsFromMask } from '../../web/static/js/state/mask_prompt.js';
import { acceptCurrent, inHand } from '../../web/static/js/state/masks.js';
import { createStore } from '../../web/static/js/state/store.js';
import { cooled, historyFrom, reconciled, timelineOf } from '../../web/static/js/state/timeline.js';
import { nextBrushSize } from '../../web/static/js/state/workbench.js';

const SIZE = { width: 40, height: 25 };
const FRAME = { width: 40, height: 25, newWidth: 64, newHeight: 40, inputSize: 64, lowResSize: 16 };
const FACTS = { size: SIZE, modelVersion: null };

/** @param {string} id @param {number} right */
function answeredDoc(id, right) {
  const mask = { ...SIZE, box: /** @type {[number, number, number, number]} */ ([4, 3, right, 12]), bits: new Uint8Array((right - 4) * 9).fill(1) };
  const candidate = { token: 1, predictedIou: 0.9, stability: 0.8, lowRes: new Float32Array(256), mask, rle: null };
  const current = addPoint(newCurrent(id), { x: 5, y: 6, label: 1 }, SIZE);
  return inHand(EMPTY_DOC, answer(current, [candidate, { ...candidate, token: 2 }], null));
}

test('a timeline comes back after it was kept, with the exact masks', () => {
  const history = commit(commit(newHistory(), 'Point', answeredDoc('a', 10)), 'Accept', acceptCurrent(answeredDoc('a', 10), FACTS));
  const back = historyFrom(structuredClone(timelineOf(history)));
  assert.ok(back);
  assert.equal(back.present.masks[0].area, 54);
  const { current } = undo(back).present;
  assert.ok(current);
  assert.equal(areaOf(maskOf(current, SIZE)), 54);
});

test('the masks of an answer are not kept beside its logits: the same pixels are made of these again', () => {
  const size = { width: 61, height: 38 };
  const frame = frameOf(61, 38, 64, 16);
  const candidates = [3, 5].map((radius, token) => {
    const lowRes = Float32Array.from({ length: 256 }, (_, i) => radius - Math.hypot((i % 16) - 7.3, (i >> 4) - 4.9));
    return { token, predictedIou: 0.9, stability: 0.8, lowRes, mask: logitsToRaster(lowRes, frame), rle: null, frame };
  });
  const current = answer(addPoint(newCurrent('a'), { x: 28, y: 19, label: 1 }, size), candidates, null);
  const kept = structuredClone(timelineOf(newHistory(inHand(EMPTY_DOC, current))));
  assert.deepEqual(kept.present.current?.candidates.map(({ mask }) => mask), [null, null]);
  const back = historyFrom(kept)?.present.current;
  assert.ok(back);
  for (const chosen of [0, 1]) assert.deepEqual(maskOf({ ...back, chosen }, size), maskOf({ ...current, chosen }, size));
  const later = timelineOf(commit(newHistory(inHand(EMPTY_DOC, back)), 'Clear', EMPTY_DOC));
  assert.equal(later.past[0].doc.current?.candidates[0].rle?.counts, encode(candidates[0].mask).counts);
});

test('what was kept without logits still refines from the mask it showed', () => {
  const kept = historyFrom(structuredClone(timelineOf(commit(commit(newHistory(), 'Point', answeredDoc('a', 10)), 'Clear', EMPTY_DOC))));
  const current = kept && undo(kept).present.current;
  assert.ok(current);
  const next = addPoint(current, { x: 9, y: 9, label: 0 }, SIZE);
  assert.equal(next.feed, null);
  assert.equal(areaOf(maskOf(next, SIZE)), 54);
});

test('states far behind let go of their logits, near ones keep them', () => {
  let history = newHistory();
  for (let i = 0; i < 6; i += 1) history = commit(history, 'Point', answeredDoc(`m${i}`, 10 + i));
  const { past } = cooled(history, 2);
  const warm = past.map(({ doc }) => doc.current?.candidates[0]?.lowRes instanceof Float32Array);
  assert.deepEqual(warm, [false, false, false, false, true, true]);
});

test('nothing readable gives no timeline', () => {
  for (const stored of [null, undefined, {}, { schema: 2, past: [], present: EMPTY_DOC, future: [] }]) assert.equal(historyFrom(stored), null);
});

test('the masks that hold now win over what this device remembers', () => {
  const mine = acceptCurrent(answeredDoc('a', 10), FACTS);
  const theirs = acceptCurrent(answeredDoc('a', 12), FACTS);
  const local = commit(newHistory(), 'Accept', mine);
  assert.equal(reconciled(local, mine), local);
  const merged = reconciled(local, theirs);
  assert.equal(merged.present.masks[0].area, 72);
  assert.equal(merged.past.length, 1);
  assert.equal(reconciled(local, EMPTY_DOC).present.masks.length, 0);
});

test('an object that reached the list just before a crash is no longer in hand', () => {
  const inHandStill = commit(newHistory(), 'Point', answeredDoc('a', 10));
  const accepted = acceptCurrent(answeredDoc('a', 10), FACTS);
  assert.equal(reconciled(inHandStill, accepted).present.current, null);
});

test('the mask prompt of a mask is sure inside, sure outside and background in the padding', () => {
  const mask = { ...SIZE, box: /** @type {[number, number, number, number]} */ ([0, 0, 20, 25]), bits: new Uint8Array(500).fill(1) };
  const logits = logitsFromMask(mask, FRAME);
  assert.equal(logits[2 * 16 + 2], 10);
  assert.equal(logits[2 * 16 + 12], -10);
  assert.equal(logits[15 * 16 + 2], -10);
});

test('a mask prompt has no holes where the image is smaller than the grid', () => {
  const size = { width: 6, height: 4 };
  const mask = { ...size, box: /** @type {[number, number, number, number]} */ ([0, 0, 6, 4]), bits: new Uint8Array(24).fill(1) };
  const logits = logitsFromMask(mask, { ...size, newWidth: 64, newHeight: 43, inputSize: 64, lowResSize: 16 });
  assert.deepEqual([...logits.slice(0, 16)], new Array(16).fill(10));
});

test('painted and erased cells are pressed into the logits that are fed back', () => {
  const add = { ...SIZE, box: /** @type {[number, number, number, number]} */ ([0, 0, 10, 10]), bits: new Uint8Array(100).fill(1) };
  const remove = { ...SIZE, box: /** @type {[number, number, number, number]} */ ([30, 0, 40, 10]), bits: new Uint8Array(100).fill(1) };
  const logits = new Float32Array(256).fill(1);
  const pressed = imprint(logits, FRAME, { add, remove });
  assert.deepEqual([pressed[0], pressed[8], pressed[15]], [10, 1, -10]);
  assert.equal(logits[0], 1);
});

test('readers of the store hear of many changes once, and of no change never', () => {
  /** @type {(() => void)[]} */
  const frames = [];
  const store = createStore({ n: 0 }, (paint) => frames.push(paint));
  /** @type {[number, number][]} */
  const heard = [];
  store.watch((now, before) => heard.push([now.n, before.n]));
  store.update(({ n }) => ({ n: n + 1 }));
  store.update(({ n }) => ({ n: n + 1 }));
  store.update((value) => value);
  for (const frame of frames) frame();
  assert.deepEqual(heard, [[2, 0]]);
});

test('brush sizes stay between 1 and 300 and grow evenly', () => {
  assert.equal(nextBrushSize(1, -1), 1);
  assert.equal(nextBrushSize(5, 1), 6);
  assert.equal(nextBrushSize(100, 1), 110);
  assert.equal(nextBrushSize(298, 1), 300);
});
