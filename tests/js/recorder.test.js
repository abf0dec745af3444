import assert from 'node:assert/strict';
import { afterEach, mock, test } from 'node:test';

import { InteractionRecorder } from '../../web/static/js/timing/recorder.js';

/** @typedef {import('../../web/static/js/timing/recorder.js').InteractionBatch} InteractionBatch */
/** @typedef {import('../../web/static/js/timing/recorder.js').StoredInteraction} StoredInteraction */

const ASSIGNMENT = '11111111-2222-4333-8444-555555555555';

/** A page's document, for the parts that the recorder watches. */
class PageDocument extends EventTarget {
  visibilityState = 'visible';

  /** @param {'visible' | 'hidden'} state */
  turn(state) {
    this.visibilityState = state;
    this.dispatchEvent(new Event('visibilitychange'));
  }
}

/** What the browser keeps for the recorder. */
class Store {
  /** @type {Map<string, StoredInteraction>} */
  rows = new Map();

  /** @param {StoredInteraction} row */
  async putInteraction(row) {
    this.rows.set(row.id, row);
  }

  async waitingInteractions() {
    return [...this.rows.values()];
  }

  /** @param {string[]} ids */
  async dropInteractions(ids) {
    for (const id of ids) this.rows.delete(id);
  }
}

/** The server's end: keeps what it gets, fails when told to. */
class Server {
  /** @type {(InteractionBatch & {keepalive: boolean})[]} */
  batches = [];
  /** @type {Error | null} */
  failure = null;

  /** @type {(batch: InteractionBatch, options: {keepalive: boolean}) => Promise<unknown>} */
  send = (batch, { keepalive }) => {
    if (this.failure) return Promise.reject(this.failure);
    return Promise.resolve(this.batches.push({ ...batch, keepalive }));
  };

  get rows() {
    return this.batches.flatMap((batch) => batch.interactions);
  }
}

/**
 * A fresh page with its store and server.
 *
 * @param {{store?: Store, server?: Server}} [parts]
 */
function scene({ store = new Store(), server = new Server() } = {}) {
  const page = new PageDocument();
  Object.assign(globalThis, { document: page });
  globalThis.addEventListener ??= () => undefined;
  /** @param {object} [options] */
  const recorder = (options = {}) => new InteractionRecorder({ send: server.send, store, ...options });
  return { page, store, server, recorder };
}

afterEach(() => {
  mock.restoreAll();
  mock.timers.reset();
});

test('acts are numbered without gaps and their times never run backwards', async () => {
  const { server, recorder } = scene();
  const times = [10, 500, 400, 900];
  mock.method(performance, 'now', () => times.shift() ?? 1000);
  const log = recorder();
  log.record('point');
  log.openAssignment(ASSIGNMENT);
  log.record('point', { mask: 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee', detail: { x: 3, y: 4, label: 1 } });
  log.record('accept', { mask: 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee' });
  assert.equal(await log.flush(), true);
  log.close();
  assert.deepEqual(
    server.rows.map(({ seq, kind }) => [seq, kind]),
    [
      [0, 'open'],
      [1, 'point'],
      [2, 'accept'],
    ],
    'what happened before an assignment was open belongs to none',
  );
  const at = server.rows.map(({ at_ms }) => at_ms);
  assert.deepEqual(at, [...at].sort((a, b) => a - b));
  assert.deepEqual(server.rows[1].detail, { x: 3, y: 4, label: 1 });
});

test('an act stays on the device until the server has it', async () => {
  const { store, server, recorder } = scene();
  const log = recorder();
  log.openAssignment(ASSIGNMENT);
  server.failure = new Error('offline');
  assert.equal(await log.flush(), false);
  assert.equal(store.rows.size, 1);
  server.failure = null;
  assert.equal(await log.flush(), true);
  assert.equal(store.rows.size, 0);
  log.close();
});

test('what an earlier page left is sent first, under its own page and assignment', async () => {
  const { server, recorder } = scene();
  server.failure = new Error('offline');
  const first = recorder();
  first.openAssignment(ASSIGNMENT);
  first.record('point');
  first.close();
  await first.flush();
  server.failure = null;
  const second = recorder();
  second.openAssignment('99999999-2222-4333-8444-555555555555');
  await second.flush();
  second.close();
  assert.deepEqual(
    server.batches.map(({ assignment, interactions }) => [assignment, interactions.map(({ kind }) => kind)]),
    [
      [ASSIGNMENT, ['open', 'point']],
      ['99999999-2222-4333-8444-555555555555', ['open']],
    ],
  );
  assert.notEqual(server.batches[0].page, server.batches[1].page);
});

test('a page that is hidden sends what it has with a request that outlives it', () => {
  const { page, server, recorder } = scene();
  const log = recorder();
  log.openAssignment(ASSIGNMENT);
  page.turn('hidden');
  assert.deepEqual(
    server.batches.map(({ keepalive, interactions }) => [keepalive, interactions.map(({ kind }) => kind)]),
    [[true, ['open', 'hidden']]],
  );
  log.close();
});

test('idle time begins with the last sign of life and is not active time', async () => {
  const { page, server, recorder } = scene();
  let now = 0;
  mock.method(performance, 'now', () => now);
  mock.timers.enable({ apis: ['setInterval'] });
  const log = recorder({ idleAfterMs: 4000 });
  log.openAssignment(ASSIGNMENT);
  now = 2000;
  page.dispatchEvent(new Event('pointermove'));
  now = 7000;
  mock.timers.tick(1000);
  assert.equal(log.activeMs, 2000);
  now = 9000;
  page.dispatchEvent(new Event('keydown'));
  now = 9500;
  assert.equal(log.activeMs, 2500);
  page.turn('hidden');
  now = 20000;
  assert.equal(log.activeMs, 2500);
  page.turn('visible');
  now = 20100;
  assert.equal(log.activeMs, 2600);
  await log.flush();
  log.close();
  assert.deepEqual(
    server.rows.map(({ kind, at_ms }) => [kind, at_ms]),
    [
      ['open', 0],
      ['idle', 2000],
      ['active', 9000],
      ['hidden', 9500],
      ['visible', 20000],
    ],
  );
});

test('a batch that the server refuses for good does not hold up the others', async () => {
  const { server, recorder } = scene();
  const log = recorder();
  log.openAssignment(ASSIGNMENT);
  server.failure = Object.assign(new Error('gone'), { status: 404 });
  assert.equal(await log.flush(), true);
  server.failure = null;
  log.record('point');
  await log.flush();
  log.close();
  assert.deepEqual(
    server.rows.map(({ kind }) => kind),
    ['point'],
  );
});

test('long logs go out in batches of bounded size', async () => {
  const { server, recorder } = scene();
  const log = recorder();
  log.openAssignment(ASSIGNMENT);
  for (let i = 0; i < 450; i++) log.record('point');
  for (let i = 0; i < 4; i++) log.record('stroke', { detail: { points: 'x'.repeat(150_000) } });
  await log.flush();
  log.close();
  assert.equal(server.rows.length, 455);
  assert.ok(server.batches.every((batch) => batch.interactions.length <= 200 && JSON.stringify(batch).length < 450_000));
});
