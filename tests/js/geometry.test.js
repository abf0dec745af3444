import assert from 'node:assert/strict';
import { test } from 'node:test';

import { stampLasso } from '../../web/static/js/geometry/lasso.js';
import { logitsToRaster } from '../../web/static/js/geometry/logits.js';
import { frameOf, toFramePoints } from '../../web/static/js/geometry/model_frame.js';
import {
  areaOf,
  boundingBox,
  contains,
  emptyMask,
  intersect,
  stampStroke,
  StrokePainter,
  subtract,
  union,
} from '../../web/static/js/geometry/raster.js';
import { boundingBoxOfRle, decode, encode, RleError, stringToCounts } from '../../web/static/js/geometry/rle.js';

test('an RLE that describes no mask of its size is refused, with the number in the message', () => {
  assert.throws(() => decode({ size: [3, 4], counts: '32111M' }), /add up to/);
  assert.throws(() => decode({ size: [3, 4], counts: '' }), RleError);
  assert.throws(() => stringToCounts('32x'), /character 2/);
  assert.throws(() => stringToCounts('3`'), /character 2/, 'cut off in the middle of a number');
  assert.throws(() => stringToCounts('3N'), /negative/);
});

test('a mask on a 100-megapixel image costs what its object covers', () => {
  const mask = stampStroke(emptyMask(20_000, 5000), [{ x: 17_000.5, y: 4000.5 }], 9, 'square', true);
  assert.deepEqual(mask.box, [16_996, 3996, 17_005, 4005]);
  assert.equal(mask.bits.length, 81);
  const again = decode(encode(mask));
  assert.deepEqual([again.box, areaOf(again)], [mask.box, 81]);
  assert.deepEqual(boundingBoxOfRle(encode(mask)), mask.box);
});

test('a dab of size 1 is the pixel under the pointer, one of size 2 the four pixels around the corner', () => {
  const one = stampStroke(emptyMask(9, 5), [{ x: 3.9, y: 2.1 }], 1, 'circle', true);
  assert.deepEqual(one.box, [3, 2, 4, 3]);
  const two = stampStroke(emptyMask(9, 5), [{ x: 3.9, y: 2.1 }], 2, 'circle', true);
  assert.deepEqual(two.box, [3, 1, 5, 3]);
});

test('erasing everything leaves an empty box, and erasing nothing leaves the mask alone', () => {
  const dab = stampStroke(emptyMask(40, 30), [{ x: 12, y: 9 }], 7, 'circle', true);
  assert.deepEqual(stampStroke(dab, [{ x: 12, y: 9 }], 31, 'square', false).box, [0, 0, 0, 0]);
  assert.deepEqual(encode(stampStroke(dab, [{ x: 33, y: 25 }], 5, 'square', false)), encode(dab));
  assert.deepEqual(encode(subtract(emptyMask(40, 30), dab)), encode(emptyMask(40, 30)));
});

test('a stroke drawn bit by bit is the stroke drawn at once, and says where to draw again', () => {
  const points = [
    { x: 3, y: 4 },
    { x: 31, y: 11 },
    { x: 70, y: 55 },
  ];
  const painter = new StrokePainter(emptyMask(61, 47), 6, 'circle', true);
  assert.deepEqual(painter.extend(points.slice(0, 1)), [0, 1, 6, 7]);
  painter.extend(points.slice(1));
  assert.deepEqual(encode(painter.mask()), encode(stampStroke(emptyMask(61, 47), points, 6, 'circle', true)));
  assert.deepEqual(painter.extend([{ x: 500, y: 400 }]), [0, 0, 0, 0], 'outside the image nothing changes');
});

test('pixels of masks that do not meet', () => {
  const a = stampStroke(emptyMask(50, 20), [{ x: 5, y: 5 }], 3, 'square', true);
  const b = stampStroke(emptyMask(50, 20), [{ x: 40, y: 15 }], 4, 'square', true);
  assert.equal(areaOf(union(a, b)), 25);
  assert.deepEqual(intersect(a, b).box, [0, 0, 0, 0]);
  assert.deepEqual(encode(subtract(a, b)), encode(a));
  assert.equal(contains(a, 5, 5), true);
  assert.equal(contains(a, -1, 5), false);
  assert.equal(contains(a, 50, 5), false);
});

test('a lasso takes the pixels whose centres are inside, also when it leaves the image', () => {
  const triangle = [
    { x: -4, y: 0 },
    { x: 8, y: 0 },
    { x: -4, y: 6 },
  ];
  const mask = stampLasso(emptyMask(10, 7), triangle, true);
  for (let y = 0; y < 7; y++) {
    for (let x = 0; x < 10; x++) {
      const inside = x + 0.5 + 4 < 12 * (1 - (y + 0.5) / 6);
      assert.equal(contains(mask, x, y), inside, `pixel ${x}, ${y}`);
    }
  }
  assert.deepEqual(boundingBox(stampLasso(mask, triangle, false)), [0, 0, 0, 0]);
  assert.deepEqual(encode(stampLasso(mask, triangle.slice(0, 2), true)), encode(mask));
});

test('a prompt without anything is one padding point, a box comes after the clicks', () => {
  const frame = frameOf(300, 200, 1024, 256);
  assert.deepEqual([frame.newWidth, frame.newHeight], [1024, 683]);
  const empty = toFramePoints({ points: [], box: null }, frame);
  assert.deepEqual([...empty.coords, ...empty.labels], [0, 0, -1]);
  const both = toFramePoints({ points: [{ x: 150, y: 100, label: 0 }], box: [0, 0, 300, 200] }, frame);
  assert.deepEqual([...both.labels], [0, 2, 3]);
  assert.deepEqual([...both.coords], [512, 341.5, 0, 0, 1024, 683]);
});

test('logits without a positive number are an empty mask', () => {
  const frame = frameOf(31, 17, 64, 16);
  assert.deepEqual(logitsToRaster(new Float32Array(256), frame).box, [0, 0, 0, 0]);
  assert.deepEqual(logitsToRaster(new Float32Array(256).fill(-3), frame).box, [0, 0, 0, 0]);
  assert.deepEqual(logitsToRaster(new Float32Array(256).fill(3), frame).box, [0, 0, 31, 17]);
});
