import assert from 'node:assert/strict';
import { test } from 'node:test';

import { IMAGE, OTHER_IMAGE, device, openPage, randomOf, rle, save, stateOf, unreliable } from './journal_scene.js';
import { hashOf, MaskServer, Refused } from './mask_server.js';

/** @typedef {import('../../web/static/js/journal/journal.js').MaskSave} MaskSave */

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
