import assert from 'node:assert/strict';
import { test } from 'node:test';

import { byReason, changeInBatches } from '../../web/static/js/widgets/image_batches.js';

const IMAGES = Array.from({ length: 7 }, (_, place) => `image-${place}`);

/** @param {string} id @param {string} message @returns {import('../../web/static/js/api/types.js').RefusedImage} */
const refusal = (id, message) => ({ id, name: `${id}.png`, code: 'no_masks', message });

test('images go in requests of so many, each once and in their order', async () => {
  /** @type {string[][]} */
  const sent = [];
  /** @type {number[]} */
  const seen = [];
  const fault = await changeInBatches(IMAGES, {
    most: 3,
    change: async (images) => {
      sent.push(images);
      return { changed: images, refused: [] };
    },
    onBatch: (_report, number) => seen.push(number),
  });
  assert.equal(fault, null);
  assert.deepEqual(sent.map((batch) => batch.length), [3, 3, 1]);
  assert.deepEqual(sent.flat(), IMAGES);
  assert.deepEqual(seen, [3, 6, 7]);
});

test('a fault ends it, and what was answered before is known', async () => {
  /** @type {string[]} */
  const changed = [];
  let sent = 0;
  const fault = await changeInBatches(IMAGES, {
    most: 3,
    change: async (images) => {
      sent += 1;
      if (sent === 2) throw new Error('down');
      return { changed: images.slice(1), refused: [refusal(images[0], 'No masks.')] };
    },
    onBatch: (report) => changed.push(...report.changed),
  });
  assert.equal(fault instanceof Error && fault.message, 'down');
  assert.equal(sent, 2);
  assert.deepEqual(changed, ['image-1', 'image-2']);
});

test('refused images are told by why', () => {
  const refused = [refusal('a', 'No masks.'), refusal('b', 'Still worked on.'), refusal('c', 'No masks.')];
  assert.deepEqual(byReason(refused), [
    { reason: 'No masks.', names: ['a.png', 'c.png'] },
    { reason: 'Still worked on.', names: ['b.png'] },
  ]);
});
