import assert from 'node:assert/strict';
import { test } from 'node:test';

import { previewView } from '../../web/static/js/canvas/preview_view.js';
import { NO_VIEW } from '../../web/static/js/canvas/viewport.js';
import { NewestOnly } from '../../web/static/js/decoder/newest_only.js';
import { detailOf } from '../../web/static/js/drawing/detail.js';
import { shapeOfLogits } from '../../web/static/js/drawing/shape.js';
import { logitsToPart, logitsToRaster } from '../../web/static/js/geometry/logits.js';
import { frameOf } from '../../web/static/js/geometry/model_frame.js';
import { contains, emptyMask, stampStroke, trim } from '../../web/static/js/geometry/raster.js';
import { reduced } from '../../web/static/js/geometry/reduced.js';
import { decodeReduced, encode } from '../../web/static/js/geometry/rle.js';

/** @typedef {import('../../web/static/js/geometry/types.js').Box} Box */

const FRAME = frameOf(310, 170, 64, 16);

/** Two hills beside each other, one of them over the edge. */
const LOGITS = Float32Array.from({ length: 256 }, (_, i) => {
  const [x, y] = [i % 16, i >> 4];
  return Math.max(9 - (x - 4.3) ** 2 - 2 * (y - 3.1) ** 2, 6 - 0.7 * (x - 14.6) ** 2 - (y - 6.2) ** 2);
});

test('a part of an image at its own resolution has the pixels of the whole mask', () => {
  const whole = logitsToRaster(LOGITS, FRAME);
  const box = /** @type {Box} */ ([31, 7, 304, 121]);
  const part = logitsToPart(LOGITS, FRAME, { box, columns: 273, rows: 114 });
  let set = 0;
  for (let y = 0; y < 114; y++) {
    for (let x = 0; x < 273; x++) {
      set += contains(part, x, y) ? 1 : 0;
      assert.equal(contains(part, x, y), contains(whole, x + 31, y + 7), `${x} ${y}`);
    }
  }
  assert.ok(set > 1000);
});

test('a coarser part has the pixels of the mask where its own pixels have their middle', () => {
  const whole = logitsToRaster(LOGITS, FRAME);
  const part = logitsToPart(LOGITS, FRAME, { box: [0, 0, 309, 168], columns: 103, rows: 56 });
  for (let y = 0; y < 56; y++) {
    for (let x = 0; x < 103; x++) assert.equal(contains(part, x, y), contains(whole, 3 * x + 1, 3 * y + 1), `${x} ${y}`);
  }
});

test('a part in which nothing of the mask lies is empty', () => {
  assert.deepEqual(logitsToPart(LOGITS, FRAME, { box: [0, 130, 200, 170], columns: 100, rows: 20 }).box, [0, 0, 0, 0]);
});

test('a reduced mask has every large pixel of which any pixel is set, and no other', () => {
  const line = stampStroke(emptyMask(61, 37), [{ x: 5.5, y: 3.5 }, { x: 57.5, y: 30.5 }], 1, 'square', true);
  const coarse = reduced(line, 4);
  assert.deepEqual([coarse.width, coarse.height], [16, 10]);
  for (let y = 0; y < 10; y++) {
    for (let x = 0; x < 16; x++) {
      const inside = Array.from({ length: 16 }, (_, i) => contains(line, 4 * x + (i & 3), 4 * y + (i >> 2)));
      assert.equal(contains(coarse, x, y), inside.includes(true), `${x} ${y}`);
    }
  }
  assert.deepEqual(reduced(emptyMask(9, 5), 2).box, [0, 0, 0, 0]);
});

test('reduced from its runs a mask is what it is reduced from its pixels', () => {
  let seed = 20;
  const below = (/** @type {number} */ most) => (seed = (seed * 48271) % 0x7fffffff) % most;
  for (let turn = 0; turn < 300; turn++) {
    const [width, height] = [1 + below(70), 1 + below(50)];
    const strokes = Array.from({ length: below(4) }, () => ({ x: below(width) + 0.5, y: below(height) + 0.5 }));
    const painted = strokes.length ? stampStroke(emptyMask(width, height), strokes, 1 + below(40), turn % 2 ? 'circle' : 'square', true) : emptyMask(width, height);
    const eraser = [{ x: below(width) + 0.5, y: below(height) + 0.5 }];
    const mask = trim(stampStroke(painted, eraser, 1 + below(9), 'circle', false));
    for (const step of [1, 2, 4, 8, 64]) assert.deepEqual(decodeReduced(encode(mask), step), reduced(mask, step), `${width}×${height} by ${step}`);
  }
});

test('a mask is drawn with no more pixels than the screen has, and of a large one only what is near', () => {
  const box = /** @type {Box} */ ([100, 200, 8100, 5200]);
  const mask = { width: 8660, height: 5774, box, bits: new Uint8Array(8000 * 5000).fill(1) };
  const afar = detailOf(mask, 0.15);
  assert.equal(afar.step, 4);
  assert.deepEqual(afar.mask.box, [25, 50, 2025, 1300]);
  const near = detailOf(mask, 1, [4000.5, 3000.5, 5440.5, 3900.5]);
  assert.equal(near.step, 1);
  const [x0, y0, x1, y1] = near.mask.box;
  assert.ok(x0 <= 3800 && y0 <= 2800 && x1 >= 5640 && y1 >= 4100, 'some room around');
  assert.ok(near.mask.bits.length < 8e6, `${near.mask.bits.length}`);
  assert.equal(detailOf(mask, 1, [4003, 3004, 5443, 3904]).mask, near.mask, 'a small pan needs no other cut');
});

test('a preview is asked for what is visible, in pixels of the screen', () => {
  const view = { ...NO_VIEW, width: 900, height: 600, ratio: 2, scale: 0.25, left: -500, top: 10 };
  const shown = previewView(view, { width: 8660, height: 5774 });
  assert.deepEqual(shown?.part, { box: [2000, 0, 5600, 2360], columns: 1800, rows: 1180 });
  assert.equal(shown?.look.zoom, 1);
  const close = previewView({ ...view, scale: 4, left: -4000, top: -2000 }, { width: 8660, height: 5774 });
  assert.deepEqual(close?.part, { box: [1000, 500, 1225, 650], columns: 225, rows: 150 });
  assert.equal(close?.look.zoom, 8);
  assert.equal(previewView({ ...view, left: 1000 }, { width: 20, height: 20 }), null);
});

test('of many questions the first and the last are asked, and only the last is answered', async () => {
  /** @type {((answer: string) => void)[]} */
  const answers = [];
  /** @type {string[]} */
  const asked = [];
  const newest = new NewestOnly((/** @type {string} */ question) => {
    asked.push(question);
    return new Promise((resolve) => answers.push(resolve));
  });
  const all = ['a', 'b', 'c'].map((question) => newest.ask(question));
  answers[0]('A');
  assert.deepEqual(await Promise.all(all.slice(0, 2)), [null, null]);
  answers[1]('C');
  assert.equal(await all[2], 'C');
  assert.deepEqual(asked, ['a', 'c']);
  const late = newest.ask('d');
  newest.supersede();
  answers[2]('D');
  assert.equal(await late, null);
});

test('a thumbnail of logits is made in the box that holds the mask, hardly larger', () => {
  const whole = logitsToRaster(LOGITS, FRAME);
  const shape = shapeOfLogits(LOGITS, FRAME);
  const [x0, y0, x1, y1] = shape.box;
  const tight = whole.box;
  assert.ok(x0 <= tight[0] && y0 <= tight[1] && x1 >= tight[2] && y1 >= tight[3], `${shape.box} holds ${tight}`);
  assert.ok(tight[0] - x0 < 22 && tight[1] - y0 < 22 && x1 - tight[2] < 22 && y1 - tight[3] < 22, `${shape.box} ends within a sample of ${tight}`);
  assert.deepEqual(shape.detail(1).mask, whole);
  const { mask, step } = shape.detail(0.3);
  assert.equal(step, 2);
  assert.deepEqual([mask.width, mask.height], [155, 85]);
  for (let y = 0; y < 84; y++) {
    for (let x = 0; x < 154; x++) {
      const four = [0, 1, 2, 3].map((i) => contains(whole, 2 * x + (i & 1), 2 * y + (i >> 1)));
      if (new Set(four).size === 1) assert.equal(contains(mask, x, y), four[0], `${x} ${y}`);
    }
  }
  assert.deepEqual(shapeOfLogits(new Float32Array(256).fill(-1), FRAME).box, [0, 0, 0, 0]);
});
