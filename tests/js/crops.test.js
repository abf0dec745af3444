import assert from 'node:assert/strict';
import { test } from 'node:test';

import { DecoderError } from '../../web/static/js/decoder/errors.js';
import { ApiError } from '../../web/static/js/api/transport.js';
import { cropSide, leavesFrame, staysInside } from '../../web/static/js/geometry/crop_frame.js';
import { boxOfLogits, logitsToPart, logitsToRaster } from '../../web/static/js/geometry/logits.js';
import { frameOf, frameOfCrop, toFramePoints } from '../../web/static/js/geometry/model_frame.js';
import { contains } from '../../web/static/js/geometry/raster.js';
import { Crops } from '../../web/static/js/pages/workbench/crops.js';
import { addPoint, answer, newCurrent, paint } from '../../web/static/js/state/current.js';
import { logitsFromMask } from '../../web/static/js/state/mask_prompt.js';

/** @typedef {import('../../web/static/js/geometry/types.js').Box} Box */

const IMAGE = { width: 1100, height: 700 };
const CROP = /** @type {Box} */ ([430, 210, 730, 430]);
const FRAME = frameOfCrop(CROP, IMAGE, 64, 16);
const ALONE = frameOf(300, 220, 64, 16);

/** @param {(x: number, y: number) => number} height  of the logits in each cell */
const hill = (height) => Float32Array.from({ length: 256 }, (_, i) => height(i % 16, i >> 4));
const SMALL = hill((x, y) => 6 - (x - 6.3) ** 2 - 2 * (y - 4.1) ** 2);

test('a mask of a crop stands in the image where the crop lies', () => {
  const alone = logitsToRaster(SMALL, ALONE);
  const placed = logitsToRaster(SMALL, FRAME);
  assert.deepEqual([placed.width, placed.height], [1100, 700]);
  assert.deepEqual(placed.box, [alone.box[0] + 430, alone.box[1] + 210, alone.box[2] + 430, alone.box[3] + 210]);
  assert.deepEqual(placed.bits, alone.bits);
  const around = boxOfLogits(SMALL, FRAME);
  assert.ok(around[0] <= placed.box[0] && around[1] <= placed.box[1] && around[2] >= placed.box[2] && around[3] >= placed.box[3]);
  assert.deepEqual(logitsToRaster(hill(() => -1), FRAME).box, [0, 0, 0, 0]);
});

test('a part of a crop is what a screen shows of its mask', () => {
  const placed = logitsToRaster(SMALL, FRAME);
  const part = logitsToPart(SMALL, FRAME, { box: [500, 230, 620, 300], columns: 120, rows: 70 });
  for (let y = 0; y < 70; y++) for (let x = 0; x < 120; x++) assert.equal(contains(part, x, y), contains(placed, x + 500, y + 230));
});

test('prompts and masks go into the frame of the crop', () => {
  const [told, moved] = [ALONE, FRAME].map((frame, i) => {
    const by = i ? [430, 210] : [0, 0];
    const box = /** @type {Box} */ ([20 + by[0], 30 + by[1], 90 + by[0], 60 + by[1]]);
    return toFramePoints({ points: [{ x: 50 + by[0], y: 41 + by[1], label: 1 }], box }, frame);
  });
  assert.deepEqual(moved, told);
  const mask = logitsToRaster(SMALL, FRAME);
  assert.deepEqual(logitsFromMask(mask, FRAME), logitsFromMask(logitsToRaster(SMALL, ALONE), ALONE));
});

test('only a mask that meets a border which is none of the image goes on beyond its crop', () => {
  const atRight = hill((x, y) => (y > 1 && y < 9 ? x - 13.5 : -1));
  assert.equal(leavesFrame(SMALL, FRAME), false);
  assert.equal(leavesFrame(atRight, FRAME), true);
  assert.equal(leavesFrame(atRight, ALONE), false);
  assert.equal(leavesFrame(atRight, frameOfCrop([800, 210, 1100, 430], IMAGE, 64, 16)), false);
  assert.equal(leavesFrame(hill((x, y) => (x === 15 && y < 2 ? 1 : -1)), FRAME), false, 'specks');
  assert.equal(leavesFrame(hill((_, y) => (y > 12 ? 9 : -9)), FRAME), false, 'the padding below');
  assert.equal(staysInside([430, 300, 500, 400], CROP, IMAGE), false);
  assert.equal(staysInside([431, 300, 500, 400], CROP, IMAGE), true);
  assert.equal(staysInside([0, 0, 9, 9], [0, 0, 300, 300], IMAGE), true);
});

test('the side of a crop is that of the server', () => {
  const size = { width: 4000, height: 3000 };
  const sides = [1, 180, 186, 370, 745, 1498, 1500].map((seen) => cropSide([7, 9, 7 + seen, 10], size, 512));
  assert.deepEqual(sides, [250, 250, 500, 500, 1000, 2000, null]);
  assert.equal(cropSide([0, 0, 9, 9], { width: 512, height: 400 }, 512), null);
  assert.equal(cropSide([0, 0, 90, 90], { width: 513, height: 400 }, 512), 129);
});

test('a prompt says in which crop it was answered, the last time it was', () => {
  const candidate = { token: 1, predictedIou: 0.9, stability: 1, lowRes: SMALL, mask: null, rle: null };
  const asked = addPoint(newCurrent('a'), { x: 500, y: 250, label: 1 }, IMAGE);
  const inCrop = answer(asked, [{ ...candidate, frame: FRAME }], null);
  assert.deepEqual(inCrop.steps, [{ kind: 'point', x: 500, y: 250, label: 1, crop: CROP }]);
  const stroke = /** @type {const} */ ({ mode: 'brush', shape: 'square', size: 3, points: [[500, 250]] });
  const again = addPoint(paint(inCrop, stroke, logitsToRaster(SMALL, FRAME)), { x: 9, y: 9, label: 0 }, IMAGE);
  assert.equal(again.feedFrame, FRAME);
  const whole = answer(again, [{ ...candidate, frame: frameOf(1100, 700, 64, 16) }], null);
  assert.deepEqual(whole.steps.map(({ crop }) => crop), [CROP, undefined, undefined]);
  assert.equal(answer(inCrop, [{ ...candidate, frame: ALONE }], null).steps[0].crop, undefined);
});

/**
 * Crops of an image of 4000 × 3000, with a server and a decoder that answer as the test says.
 *
 * @param {object} given
 * @param {any} given.wanted  the server's answer, or what it throws
 * @param {string[]} given.opening  codes of refusals, one for each attempt; then it opens
 */
function scene({ wanted, opening }) {
  Object.assign(globalThis, { WebSocket: FakeSocket, location: { protocol: 'http:', host: 'here' } });
  FakeSocket.all.length = 0;
  const asked = /** @type {Box[]} */ ([]);
  let opened = 0;
  const api = {
    wantCrop: async (/** @type {string} */ _image, /** @type {string} */ _encoder, /** @type {Box} */ box) => {
      asked.push(box);
      if (wanted instanceof Error) throw wanted;
      return wanted;
    },
  };
  const client = {
    openImage: async (/** @type {any} */ { crop, size }) => {
      const code = opening.shift();
      if (code) throw new DecoderError(/** @type {any} */ (code), code);
      return frameOfCrop(crop, size, 512, 128);
    },
  };
  const crops = new Crops({ api: /** @type {any} */ (api), project: 'p', opened: () => (opened += 1) });
  const address = { imageKey: 'i', embeddingUrl: '/e', expected: { imageSha256: 's', encoderFingerprint: 'f' }, size: { width: 4000, height: 3000 } };
  crops.of({ address, inputSize: 512, client: /** @type {any} */ (client) });
  return { crops, asked, numOpened: () => opened };
}

class FakeSocket extends EventTarget {
  /** @type {FakeSocket[]} */
  static all = [];
  static OPEN = 1;
  isClosed = false;
  constructor() {
    super();
    FakeSocket.all.push(this);
  }
  close() {
    this.isClosed = true;
  }
  /** @param {string} kind */
  say(kind) {
    this.dispatchEvent(new MessageEvent('message', { data: JSON.stringify({ kind }) }));
  }
}

/** Lets everything run that waits for no timer. */
async function settled() {
  for (let turn = 0; turn < 30; turn += 1) await Promise.resolve();
}

const SEEN = /** @type {Box} */ ([100, 100, 500, 400]);
const GRID = /** @type {Box} */ ([0, 0, 1000, 1000]);

test('a crop that is being made is opened when a hint says so, and serves what lies in it', async () => {
  const { crops, asked, numOpened } = scene({ wanted: { crop: GRID, state: 'pending', url: '/c' }, opening: ['embedding_not_ready'] });
  await crops.look(SEEN);
  const [socket] = FakeSocket.all;
  socket.say('images');
  await settled();
  assert.equal(crops.serving(SEEN, null), null);
  await crops.look([110, 100, 510, 400]);
  assert.equal(asked.length, 1, 'what is waited for is not asked for again');
  socket.say('jobs');
  socket.say('images');
  await settled();
  assert.equal(numOpened(), 1);
  assert.equal(socket.isClosed, true);
  assert.deepEqual(crops.serving(SEEN, null)?.key, 'i 0 0 1000 1000');
  assert.equal(crops.serving([900, 100, 1300, 400], null), null);
  await crops.look([150, 100, 550, 400]);
  assert.equal(asked.length, 1, 'it serves what is seen after a little panning');
  const inside = addPoint(newCurrent('a'), { x: 999, y: 3, label: 1 }, { width: 4000, height: 3000 });
  assert.ok(crops.serving(SEEN, inside));
  assert.equal(crops.serving(SEEN, addPoint(inside, { x: 1000, y: 3, label: 0 }, { width: 4000, height: 3000 })), null);
  assert.equal(crops.serving(SEEN, { ...inside, box: [10, 10, 30, 1001] }), null);
  crops.of(null);
  assert.equal(crops.serving(SEEN, null), null);
});

test('an object that was begun in a crop goes on there after zooming out', async () => {
  const { crops } = scene({ wanted: { crop: GRID, state: 'ready', url: '/c' }, opening: [] });
  await crops.look(SEEN);
  const size = { width: 4000, height: 3000 };
  const frame = crops.serving(SEEN, null)?.frame;
  assert.ok(frame);
  const lowRes = Float32Array.from({ length: 128 ** 2 }, (_, i) => 30 - ((i % 128) - 40) ** 2 - ((i >> 7) - 30) ** 2);
  const candidate = { token: 1, predictedIou: 0.9, stability: 1, lowRes, mask: null, rle: null, frame };
  const begun = answer(addPoint(newCurrent('a'), { x: 310, y: 230, label: 1 }, size), [candidate], null);
  const everything = /** @type {Box} */ ([0, 0, 4000, 3000]);
  assert.equal(crops.serving(everything, null), null);
  assert.equal(crops.serving(everything, begun)?.frame, frame);
  assert.equal(crops.serving(everything, addPoint(begun, { x: 330, y: 240, label: 0 }, size))?.frame, frame);
  assert.equal(crops.serving(everything, addPoint(begun, { x: 2000, y: 240, label: 0 }, size)), null);
});

test('without a crop the work goes on, and the next look asks again', async () => {
  const refused = new ApiError(429, 'too_many_requests', 'Later');
  const { crops, asked } = scene({ wanted: refused, opening: [] });
  await crops.look(SEEN);
  await crops.look(SEEN);
  assert.equal(asked.length, 2);
  assert.equal(crops.serving(SEEN, null), null);
  assert.equal(FakeSocket.all.length, 0);
});

test('a crop that cannot be made is not asked for again, one that did not arrive is', async () => {
  const failed = scene({ wanted: { crop: GRID, state: 'failed', url: '/c' }, opening: [] });
  await failed.crops.look(SEEN);
  await failed.crops.look(SEEN);
  assert.equal(failed.asked.length, 1);
  const cut = scene({ wanted: { crop: GRID, state: 'ready', url: '/c' }, opening: ['fetch_failed'] });
  await cut.crops.look(SEEN);
  assert.equal(cut.crops.serving(SEEN, null), null);
  await cut.crops.look(SEEN);
  assert.ok(cut.crops.serving(SEEN, null));
});
