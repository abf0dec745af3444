import assert from 'node:assert/strict';
import { test } from 'node:test';
import { thinned, traceLoops } from '../../web/static/js/geometry/outline.js';
import { fit, NO_VIEW, panBy, resized, toImage, toScreen, visibleBox, zoomAt, zoomToBox } from '../../web/static/js/canvas/viewport.js';

const IMAGE = { width: 1500, height: 700 };
const STAGE = resized(NO_VIEW, 1000, 800, 2);

/** @param {{x: number, y: number}} a @param {{x: number, y: number}} b */
function near(a, b) {
  assert.ok(Math.hypot(a.x - b.x, a.y - b.y) < 1e-9, `${JSON.stringify(a)} is not ${JSON.stringify(b)}`);
}

test('a fitted image is whole on the stage and centred from left to right', () => {
  const view = fit(STAGE, IMAGE);
  const from = toScreen(view, { x: 0, y: 0 });
  const to = toScreen(view, { x: 1500, y: 700 });
  assert.ok(from.x >= 0 && from.y >= 0 && to.x <= 1000 && to.y <= 800);
  assert.ok(Math.abs(from.x - (1000 - to.x)) < 1e-9);
});

test('places survive the way to the screen and back', () => {
  const view = zoomAt(fit(STAGE, IMAGE), IMAGE, { x: 310, y: 222 }, 7.3);
  near(toImage(view, toScreen(view, { x: 1234.5, y: 67.25 })), { x: 1234.5, y: 67.25 });
});

test('zooming keeps the pixel under the cursor where it is', () => {
  const view = fit(STAGE, IMAGE);
  const at = { x: 420, y: 333 };
  near(toImage(zoomAt(view, IMAGE, at, 3), at), toImage(view, at));
});

test('zooming stops at both ends', () => {
  const view = fit(STAGE, IMAGE);
  const at = { x: 500, y: 400 };
  assert.equal(zoomAt(view, IMAGE, at, 1e9).scale, 64);
  assert.ok(zoomAt(view, IMAGE, at, 1e-9).scale >= view.scale / 3);
});

test('the image cannot be pushed off the stage', () => {
  const view = panBy(fit(STAGE, IMAGE), IMAGE, 1e6, -1e6);
  const [x0, y0, x1, y1] = visibleBox(view);
  assert.ok(x1 > 0 && x0 < 1500 && y1 > 0 && y0 < 700);
});

test('zooming to a mask puts its middle into the middle', () => {
  const view = zoomToBox(STAGE, [100, 50, 300, 90]);
  assert.ok(Math.abs(toScreen(view, { x: 200, y: 70 }).x - 500) < 1e-9);
});

test('another window size keeps the middle of the picture in the middle', () => {
  const view = zoomAt(fit(STAGE, IMAGE), IMAGE, { x: 500, y: 400 }, 2);
  const smaller = resized(view, 600, 500, 1);
  near(toImage(smaller, { x: 300, y: 250 }), toImage(view, { x: 500, y: 400 }));
});

/** @param {string[]} rows @param {number} [x0] @param {number} [y0] */
function drawn(rows, x0 = 0, y0 = 0) {
  const bits = Uint8Array.from(rows.join('').split('').map(Number));
  return { width: 20, height: 15, box: /** @type {[number, number, number, number]} */ ([x0, y0, x0 + rows[0].length, y0 + rows.length]), bits };
}

/** @param {Int32Array} loop @returns {number} signed area of the polygon */
function polygonArea(loop) {
  let twice = 0;
  for (let i = 0; i < loop.length; i += 2) {
    const j = (i + 2) % loop.length;
    twice += loop[i] * loop[j + 1] - loop[j] * loop[i + 1];
  }
  return twice / 2;
}

test('the outline of one pixel is its four corners', () => {
  const [loop] = traceLoops(drawn(['1'], 3, 2));
  assert.equal(loop.length, 8);
  assert.equal(polygonArea(loop), 1);
});

test('outlines enclose exactly the pixels of the mask, holes taken off', () => {
  const rows = ['0111100', '1100111', '1101011', '0111110', '0000010'];
  const loops = traceLoops(drawn(rows, 5, 4));
  const pixels = rows.join('').split('1').length - 1;
  assert.equal(loops.reduce((sum, loop) => sum + polygonArea(loop), 0), pixels);
});

test('pixels that touch at a corner only have outlines of their own', () => {
  assert.equal(traceLoops(drawn(['10', '01'])).length, 2);
});

test('thinned outlines keep their shape within the tolerance and drop specks', () => {
  const rows = Array.from({ length: 12 }, (_, y) => '1'.repeat(12 - y) + '0'.repeat(y));
  const loops = traceLoops(drawn(rows));
  const [thin] = thinned(loops, 4);
  assert.ok(thin.length < loops[0].length / 2);
  assert.equal(thinned(traceLoops(drawn(['1'])), 8).length, 0);
});

test('an empty mask has no outline', () => {
  assert.deepEqual(traceLoops({ width: 9, height: 4, box: [0, 0, 0, 0], bits: new Uint8Array(0) }), []);
});
