import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IDBFactory } from 'fake-indexeddb';

import { Journal } from '../../web/static/js/journal/journal.js';
import { hashOf, Locks, MaskServer, Refused } from './mask_server.js';

/** @typedef {import('../../web/static/js/journal/journal.js').MaskSave} MaskSave */

const ALICE = '2c4f3e0a-6f5d-4a52-8c0a-0d2f3e5a7b91';
const IMAGE = '7d1c2b3a-4e5f-4a6b-9c8d-7e6f5a4b3c2d';
const OTHER_IMAGE = '8d1c2b3a-4e5f-4a6b-9c8d-7e6f5a4b3c2e';

/**
 * One device: its database and locks outlive the pages opened on it.
 */
function device() {
  return { factory: new IDBFactory(), locks: /** @type {any} */ (new Locks()) };
}

/**
 * @param {ReturnType<typeof device>} place
 * @param {MaskServer} server
 */
function openPage(place, server) {
  return Journal.open({ person: ALICE, api: server, firstWaitMs: 1, ...place });
}

/**
 * @param {Partial<MaskSave>} [changes]
 * @returns {MaskSave}
 */
function save(changes = {}) {
  return {
    mask: crypto.randomUUID(),
    image: IMAGE,
    assignment: '11111111-2222-4333-8444-555555555555',
    state: 'draft',
    rle: { size: [3, 4], counts: '32111N' },
    model_version: null,
    predicted_iou: null,
    order_index: 0,
    prompts: [{ kind: 'point', x: 1, y: 2, label: 1 }],
    given_up: false,
    ...changes,
  };
}

/**
 * @param {number} number
 * @returns {{size: [number, number], counts: string}} a different mask for each number
 */
function rle(number) {
  return { size: [3, 4], counts: `3${number}` };
}

/**
 * Resolves at the first state for which `test` holds.
 *
 * @param {Journal} journal
 * @param {(state: import('../../web/static/js/journal/journal.js').JournalState) => boolean} wanted
 * @returns {Promise<import('../../web/static/js/journal/journal.js').JournalState>}
 */
function stateOf(journal, wanted) {
  return new Promise((resolve) => {
    const look = () => {
      if (!wanted(journal.state)) return;
      journal.removeEventListener('state', look);
      resolve(journal.state);
    };
    journal.addEventListener('state', look);
    look();
  });
}

test('a change is on the device before it is sent, and leaves it when the server echoes it', async () => {
  const server = new MaskServer();
  server.fault = () => 'lose_request';
  const journal = await openPage(device(), server);
  const wish = save();
  await journal.record(wish);
  assert.deepEqual(await journal.unsavedOf(IMAGE), [wish]);
  const pending = await stateOf(journal, ({ kind }) => kind === 'pending');
  assert.equal(pending.count, 1);
  server.fault = () => 'deliver';
  await stateOf(journal, ({ kind }) => kind === 'saved');
  assert.deepEqual(await journal.unsavedOf(IMAGE), []);
  assert.equal(server.masks.get(wish.mask)?.counts, wish.rle.counts);
  journal.close();
});

test('a request whose answer was lost is repeated with the same save_id and makes one version', async () => {
  const server = new MaskServer();
  const answers = ['lose_answer', 'lose_answer', 'deliver'];
  server.fault = () => /** @type {any} */ (answers.shift() ?? 'deliver');
  const journal = await openPage(device(), server);
  const wish = save();
  await journal.record(wish);
  await stateOf(journal, ({ kind }) => kind === 'saved');
  assert.equal(new Set(server.requests.map(({ saveId }) => saveId)).size, 1);
  assert.equal(server.masks.get(wish.mask)?.version, 1);
  journal.close();
});

test('a newer wish made while an answer is lost does not run into its own version', async () => {
  const server = new MaskServer();
  server.fault = () => 'lose_answer';
  const journal = await openPage(device(), server);
  const wish = save({ rle: rle(1) });
  await journal.record(wish);
  await stateOf(journal, ({ kind }) => kind === 'pending');
  for (const number of [2, 3, 4]) await journal.record({ ...wish, rle: rle(number) });
  server.fault = () => 'deliver';
  const state = await stateOf(journal, ({ kind }) => kind === 'saved' || kind === 'attention');
  assert.equal(state.kind, 'saved');
  assert.equal(server.masks.get(wish.mask)?.counts, rle(4).counts);
  assert.equal(server.masks.get(wish.mask)?.version, 2, 'wishes 2 and 3 were coalesced');
  journal.close();
});

test('what a closed page left is sent by the next one', async () => {
  const place = device();
  const server = new MaskServer();
  server.fault = () => 'lose_answer';
  const first = await openPage(place, server);
  const wish = save();
  await first.record(wish);
  await stateOf(first, ({ kind }) => kind === 'pending');
  first.close();
  server.fault = () => 'deliver';
  const second = await openPage(place, server);
  await stateOf(second, ({ kind }) => kind === 'saved');
  assert.equal(server.masks.get(wish.mask)?.version, 1);
  second.close();
});

test('an answer with another hash keeps the work and asks for attention', async () => {
  const server = new MaskServer();
  server.distort = (reply) => ({ ...reply, sha256: '0'.repeat(64) });
  const journal = await openPage(device(), server);
  const wish = save();
  await journal.record(wish);
  const { problems } = await stateOf(journal, ({ kind }) => kind === 'attention');
  assert.equal(problems[0].code, 'wrong_echo');
  assert.deepEqual(await journal.unsavedOf(IMAGE), [wish]);
  journal.close();
});

test('a conflict is kept and shown until a person chooses their own work', async () => {
  const server = new MaskServer();
  const journal = await openPage(device(), server);
  const wish = save({ rle: rle(1) });
  await journal.record(wish);
  await stateOf(journal, ({ kind }) => kind === 'saved');
  server.masks.set(wish.mask, { id: wish.mask, version: 7, state: 'draft', sha256: await hashOf('other'), counts: 'other' });
  await journal.record({ ...wish, rle: rle(2) });
  const { problems } = await stateOf(journal, ({ kind }) => kind === 'attention');
  assert.equal(problems[0].status, 412);
  assert.equal(problems[0].currentVersion, 7);
  assert.equal(server.masks.get(wish.mask)?.counts, 'other');
  await journal.resolve(wish.mask, 'mine');
  await stateOf(journal, ({ kind }) => kind === 'saved');
  assert.equal(server.masks.get(wish.mask)?.counts, rle(2).counts);
  assert.equal(server.masks.get(wish.mask)?.version, 8);
  journal.close();
});

test('choosing the server\'s work drops the own and goes on from its version', async () => {
  const server = new MaskServer();
  const journal = await openPage(device(), server);
  const wish = save({ rle: rle(1) });
  await journal.record(wish);
  await stateOf(journal, ({ kind }) => kind === 'saved');
  server.masks.set(wish.mask, { id: wish.mask, version: 7, state: 'draft', sha256: await hashOf('other'), counts: 'other' });
  await journal.record({ ...wish, rle: rle(2) });
  await stateOf(journal, ({ kind }) => kind === 'attention');
  await journal.resolve(wish.mask, 'theirs');
  assert.deepEqual(await journal.unsavedOf(IMAGE), []);
  await journal.record({ ...wish, rle: rle(3) });
  await stateOf(journal, ({ kind }) => kind === 'saved');
  assert.equal(server.masks.get(wish.mask)?.version, 8);
  journal.close();
});

test('a lost lease is shown while the other masks go on', async () => {
  const server = new MaskServer();
  server.refuse = () => new Refused(409, 'lease_lost', { kept: true });
  const journal = await openPage(device(), server);
  const late = save();
  await journal.record(late);
  const { problems } = await stateOf(journal, ({ kind }) => kind === 'attention');
  assert.equal(problems[0].keptByServer, true);
  server.refuse = null;
  const other = save({ image: OTHER_IMAGE });
  await journal.record(other);
  await stateOf(journal, ({ count }) => count === 1 && server.masks.has(other.mask));
  assert.deepEqual(await journal.unsavedOf(IMAGE), [late]);
  assert.equal(await journal.settled(OTHER_IMAGE), true);
  assert.equal(await journal.settled(IMAGE), false);
  journal.close();
});

test('after 401 nothing is lost and signing in sends it', async () => {
  const server = new MaskServer();
  server.refuse = () => new Refused(401, 'not_signed_in');
  const journal = await openPage(device(), server);
  const wish = save();
  await journal.record(wish);
  const state = await stateOf(journal, ({ signInNeeded }) => signInNeeded);
  assert.equal(state.kind, 'attention');
  server.refuse = null;
  journal.signedIn();
  await stateOf(journal, ({ kind }) => kind === 'saved');
  assert.equal(server.masks.get(wish.mask)?.version, 1);
  journal.close();
});

test('a refused mask is kept, does not hold up others, and a corrected one is sent', async () => {
  const server = new MaskServer();
  server.refuse = () => new Refused(422, 'rle_wrong_size');
  const journal = await openPage(device(), server);
  const wish = save();
  await journal.record(wish);
  await stateOf(journal, ({ kind }) => kind === 'attention');
  server.refuse = null;
  const other = save();
  await journal.record(other);
  await stateOf(journal, ({ count }) => count === 1);
  assert.ok(server.masks.has(other.mask));
  await journal.record({ ...wish, rle: rle(2) });
  await stateOf(journal, ({ kind }) => kind === 'saved');
  journal.close();
});

test('a mask that was deleted before it was ever sent never reaches the server', async () => {
  const server = new MaskServer();
  server.refuse = () => new Refused(401, 'not_signed_in');
  const journal = await openPage(device(), server);
  await journal.record(save());
  await stateOf(journal, ({ signInNeeded }) => signInNeeded);
  const wish = save();
  await journal.record(wish);
  await journal.record({ ...wish, state: 'deleted' });
  server.refuse = null;
  journal.signedIn();
  await stateOf(journal, ({ kind }) => kind === 'saved');
  assert.equal(server.masks.has(wish.mask), false);
  journal.close();
});

test('undoing a deletion brings the mask back with a newer version', async () => {
  const server = new MaskServer();
  const journal = await openPage(device(), server);
  const wish = save({ state: 'accepted' });
  for (const state of /** @type {const} */ (['accepted', 'deleted', 'accepted'])) {
    await journal.record({ ...wish, state });
    await stateOf(journal, ({ kind }) => kind === 'saved');
    assert.equal(server.masks.get(wish.mask)?.state, state);
  }
  assert.equal(server.masks.get(wish.mask)?.version, 3);
  journal.close();
});

test('two tabs never send the same image', async () => {
  const place = device();
  const server = new MaskServer();
  const first = await openPage(place, server);
  const second = await openPage(place, server);
  assert.equal(await first.claimImage(IMAGE), true);
  assert.equal(await second.claimImage(IMAGE), false);
  await second.record(save());
  assert.equal(second.state.kind, 'saving');
  assert.equal(await second.settled(IMAGE, 20), false);
  assert.equal(server.requests.length, 0, 'the second tab must leave the image to the first');
  assert.equal(await first.claimImage(IMAGE), true);
  await stateOf(first, ({ kind }) => kind === 'saved');
  await stateOf(second, ({ kind }) => kind === 'saved');
  assert.equal(server.requests.length, 1);
  first.releaseImage(IMAGE);
  assert.equal(await first.claimImage(IMAGE), true);
  first.close();
  second.close();
});

test('unsaved work is told from what the server holds when masks are read again', async () => {
  const server = new MaskServer();
  server.fault = () => 'lose_request';
  const journal = await openPage(device(), server);
  const wish = save();
  await journal.noteServerMasks([{ id: wish.mask, version: 3, state: 'draft', sha256: await hashOf('a') }]);
  await journal.record(wish);
  await journal.noteServerMasks([{ id: wish.mask, version: 9, state: 'draft', sha256: await hashOf('b') }]);
  await stateOf(journal, ({ kind }) => kind === 'pending');
  assert.equal(server.requests[0].version, 3, 'a newer version of the server must end in a conflict');
  journal.close();
});

test('unsaved work survives as a file and is sent from another device', async () => {
  const server = new MaskServer();
  server.fault = () => 'lose_request';
  const journal = await openPage(device(), server);
  const wishes = [save(), save()];
  for (const wish of wishes) await journal.record(wish);
  const text = await (await journal.downloadUnsaved()).text();
  journal.close();
  server.fault = () => 'deliver';
  const other = await openPage(device(), server);
  assert.equal(await other.importUnsaved(text), 2);
  await stateOf(other, ({ kind }) => kind === 'saved');
  assert.deepEqual([...server.masks.keys()].sort(), wishes.map(({ mask }) => mask).sort());
  await assert.rejects(() => other.importUnsaved('{"format":"else"}'), /no file of unsaved work/);
  other.close();
});

test('the undo timeline is there after a reload and gone after the submit', async () => {
  const place = device();
  const server = new MaskServer();
  const first = await openPage(place, server);
  await first.putTimeline(IMAGE, { past: [1, 2], logits: Float32Array.of(1.5) });
  first.close();
  const second = await openPage(place, server);
  assert.deepEqual(await second.getTimeline(IMAGE), { past: [1, 2], logits: Float32Array.of(1.5) });
  await second.dropTimeline(IMAGE);
  assert.equal(await second.getTimeline(IMAGE), null);
  second.close();
});

test('whatever the network loses and however often the page dies, the last wishes arrive without a conflict', async () => {
  for (let seed = 1; seed <= 12; seed++) {
    const random = randomOf(seed);
    const place = device();
    const server = unreliable(random);
    const masks = Array.from({ length: 4 }, () => crypto.randomUUID());
    /** @type {Map<string, MaskSave>} */
    const wishes = new Map();
    let journal = await openPage(place, server);
    for (let step = 0; step < 60; step++) {
      const mask = masks[Math.floor(random() * masks.length)];
      const state = /** @type {const} */ (['draft', 'accepted', 'deleted'])[Math.floor(random() * 3)];
      const wish = save({ mask, state, rle: rle(Math.floor(random() * 9)) });
      wishes.set(mask, wish);
      await journal.record(wish);
      if (random() < 0.1) {
        journal.close();
        journal = await openPage(place, server);
      }
    }
    server.fault = () => 'deliver';
    const end = await stateOf(journal, ({ kind }) => kind === 'saved' || kind === 'attention');
    assert.equal(end.kind, 'saved', JSON.stringify(end.problems));
    for (const [mask, wish] of wishes) {
      const stored = server.masks.get(mask);
      if (wish.state === 'deleted') assert.ok(!stored || stored.state === 'deleted');
      else assert.deepEqual([stored?.state, stored?.counts], [wish.state, wish.rle.counts]);
    }
    journal.close();
  }
});

/** @param {() => number} random  @returns {MaskServer} that loses requests and answers */
function unreliable(random) {
  const server = new MaskServer();
  server.fault = () => /** @type {const} */ (['deliver', 'lose_request', 'lose_answer'])[Math.floor(random() * 3)];
  return server;
}

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

/**
 * @param {number} seed
 * @returns {() => number} the same numbers from 0 to 1 for the same seed
 */
function randomOf(seed) {
  let state = seed;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}
