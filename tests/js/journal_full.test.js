import assert from 'node:assert/strict';
import { test } from 'node:test';

import { IMAGE, device, openPage, randomOf, rle, save, stateOf, unreliable } from './journal_scene.js';
import { MaskServer } from './mask_server.js';

/** @typedef {import('../../web/static/js/journal/journal.js').MaskSave} MaskSave */

/** A device whose storage can be full. */
function smallDevice() {
  const place = device();
  const disk = { isFull: false };
  const open = place.factory.open.bind(place.factory);
  place.factory.open = (name, version) => {
    const request = open(name, version);
    request.addEventListener('success', () => {
      const database = request.result;
      const begin = database.transaction.bind(database);
      database.transaction = (stores, mode, options) => {
        if (disk.isFull && mode === 'readwrite') throw new DOMException('no room', 'QuotaExceededError');
        return begin(stores, mode, options);
      };
    });
    return request;
  };
  return { ...place, disk };
}

test('a device without room sends from the page, and is found in order when there is room again', async () => {
  const place = smallDevice();
  const server = new MaskServer();
  const journal = await openPage(place, server);
  const wish = save({ rle: rle(1) });
  await journal.record(wish);
  await stateOf(journal, ({ kind }) => kind === 'saved');
  place.disk.isFull = true;
  server.fault = () => 'lose_request';
  await journal.record({ ...wish, rle: rle(2) });
  assert.deepEqual((await journal.unsavedOf(IMAGE)).map((one) => one.rle), [rle(2)]);
  server.fault = () => 'deliver';
  await stateOf(journal, ({ kind }) => kind === 'saved');
  await journal.noteServerMasks([]);
  await journal.record({ ...wish, rle: rle(3) });
  await stateOf(journal, ({ kind, numOnlyHere }) => kind === 'saved' && numOnlyHere === 0);
  assert.deepEqual([server.masks.get(wish.mask)?.version, server.masks.get(wish.mask)?.counts], [3, rle(3).counts]);
  place.disk.isFull = false;
  await journal.record(save());
  await stateOf(journal, ({ kind }) => kind === 'saved');
  journal.close();
  const next = await openPage(place, server);
  await next.record({ ...wish, rle: rle(4) });
  await stateOf(next, ({ kind }) => kind === 'saved');
  assert.equal(server.masks.get(wish.mask)?.version, 4, 'the version that was learned without room is known now');
  next.close();
});

test('what neither device nor server takes is only in the page, says so, and can be carried away', async () => {
  const place = smallDevice();
  const server = new MaskServer();
  server.fault = () => 'lose_request';
  const journal = await openPage(place, server);
  place.disk.isFull = true;
  const wish = save();
  await journal.record(wish);
  const told = await stateOf(journal, ({ kind }) => kind === 'attention');
  assert.deepEqual([told.numOnlyHere, told.count, told.problems], [1, 1, []]);
  assert.match(told.message, /no room left: 1 mask is only in this page/);
  assert.match(await (await journal.downloadUnsaved()).text(), new RegExp(wish.mask));
  place.disk.isFull = false;
  await stateOf(journal, ({ kind, numOnlyHere }) => kind === 'pending' && numOnlyHere === 0);
  journal.close();
  server.fault = () => 'deliver';
  const next = await openPage(place, server);
  await stateOf(next, ({ kind }) => kind === 'saved');
  assert.equal(server.masks.get(wish.mask)?.version, 1);
  next.close();
});

test('whenever room comes and goes, the last wishes arrive without a conflict', async () => {
  for (let seed = 1; seed <= 12; seed++) {
    const random = randomOf(seed);
    const place = smallDevice();
    const server = unreliable(random);
    const masks = Array.from({ length: 3 }, () => crypto.randomUUID());
    /** @type {Map<string, MaskSave>} */
    const wishes = new Map();
    const journal = await openPage(place, server);
    for (let step = 0; step < 40; step++) {
      place.disk.isFull = random() < 0.5;
      const wish = save({ mask: masks[Math.floor(random() * masks.length)], rle: rle(Math.floor(random() * 9)) });
      wishes.set(wish.mask, wish);
      await journal.record(wish);
    }
    server.fault = () => 'deliver';
    const end = await stateOf(journal, ({ kind, problems }) => kind === 'saved' || problems.length > 0);
    assert.equal(end.kind, 'saved', JSON.stringify(end.problems));
    for (const [mask, wish] of wishes) assert.equal(server.masks.get(mask)?.counts, wish.rle.counts);
    journal.close();
  }
});
