import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';

import { ApiError } from '../../web/static/js/api/transport.js';
import { keysHere, OwnKeys } from '../../web/static/js/pages/workbench/own_keys.js';
import { changedKeys, FIRST_KEYS, withKey } from '../../web/static/js/state/keys.js';
import { createStore } from '../../web/static/js/state/store.js';
import { FIRST } from '../../web/static/js/state/workbench.js';

/** @typedef {import('../../web/static/js/state/workbench.js').Workbench} Workbench */

/** The storage of one browser, which may refuse, as where a person forbids it. */
const browser = {
  kept: /** @type {Map<string, string>} */ (new Map()),
  refuses: false,
  get items() {
    if (this.refuses) throw new DOMException('forbidden', 'SecurityError');
    return this.kept;
  },
};

Object.defineProperty(globalThis, 'localStorage', {
  value: {
    getItem: (/** @type {string} */ name) => browser.items.get(name) ?? null,
    setItem: (/** @type {string} */ name, /** @type {string} */ text) => browser.items.set(name, text),
  },
});

/** A server that keeps keys, or cannot be reached. */
class Server {
  /** @type {any} */
  kept = { keys: {}, saved_at: null };
  isThere = true;
  puts = 0;
  /** Called before each answer. */
  meanwhile = () => {};

  async keys() {
    return this.#answer();
  }

  /** @param {string} _person @param {any} keys */
  async putKeys(_person, keys) {
    this.#answer();
    this.puts += 1;
    this.kept = { keys, saved_at: `save ${this.puts}` };
    return this.kept;
  }

  #answer() {
    this.meanwhile();
    if (!this.isThere) throw new ApiError(0, 'network', 'The server cannot be reached.');
    return this.kept;
  }
}

/** @param {Server} server */
function opened(server) {
  /** @type {string[]} */
  const told = [];
  const store = createStore(/** @type {Workbench} */ ({ ...FIRST, keys: keysHere('alice') }), () => {});
  const keys = new OwnKeys({ person: 'alice', store, api: server, tell: (words) => told.push(words) });
  /** @param {string} command @param {string} chord */
  const choose = (command, chord) => store.update((bench) => ({ ...bench, keys: withKey(bench.keys, command, chord) }));
  return { choose, keys, now: () => changedKeys(store.get().keys), told };
}

const settled = () => new Promise((done) => setImmediate(done));

beforeEach(() => {
  Object.assign(browser, { kept: new Map(), refuses: false });
  mock.timers.enable({ apis: ['setTimeout'] });
});

afterEach(() => mock.timers.reset());

test('keys chosen in one browser are those of the next', async () => {
  const server = new Server();
  const desk = opened(server);
  desk.choose('tool_brush', 'Y');
  await settled();
  assert.deepEqual(server.kept.keys, { tool_brush: ['B', 'Y'] });
  browser.kept = new Map();
  const laptop = opened(server);
  await laptop.keys.meet();
  assert.deepEqual(laptop.now(), { tool_brush: ['B', 'Y'] });
  assert.equal(server.puts, 1, 'what was taken is not sent back');
  assert.deepEqual(keysHere('alice').tool_brush, ['B', 'Y'], 'kept for a start without the network');
  assert.match(laptop.told[0], /follow you/);
});

test('without the network keys are as last known, and what was changed is sent later', async () => {
  const server = new Server();
  opened(server).choose('tool_brush', 'Y');
  await settled();
  server.isThere = false;
  const page = opened(server);
  page.choose('tool_eraser', 'W');
  await settled();
  assert.deepEqual(page.now(), { tool_brush: ['B', 'Y'], tool_eraser: ['E', 'W'] });
  assert.match(page.told[0], /Kept in this browser/);
  server.isThere = true;
  mock.timers.tick(30_000);
  await settled();
  assert.deepEqual(server.kept.keys, page.now());
  assert.match(page.told.at(-1) ?? '', /follow you/);
});

test('a change that the page could not send before it closed is sent by the next', async () => {
  const server = new Server();
  server.isThere = false;
  opened(server).choose('tool_brush', 'Y');
  await settled();
  server.isThere = true;
  server.kept = { keys: { fit: ['0'] }, saved_at: 'elsewhere, before' };
  const next = opened(server);
  await next.keys.meet();
  assert.deepEqual(server.kept.keys, { tool_brush: ['B', 'Y'] }, 'the last save counts');
  assert.deepEqual(next.now(), { tool_brush: ['B', 'Y'] });
});

test('a change during the answer is not lost to what the server said before it', async () => {
  const server = new Server();
  server.kept = { keys: { fit: ['0'] }, saved_at: 'elsewhere' };
  const page = opened(server);
  let times = 0;
  server.meanwhile = () => {
    if (++times <= 2) page.choose('tool_brush', times === 1 ? 'Y' : 'W');
  };
  await page.keys.meet();
  assert.deepEqual(page.now(), { tool_brush: ['B', 'Y', 'W'] });
  assert.deepEqual(server.kept.keys, page.now());
});

test('keys chosen before the server kept any are brought to it', async () => {
  const server = new Server();
  browser.kept.set('maskwright.keys.alice', JSON.stringify({ tool_brush: ['Y'] }));
  await opened(server).keys.meet();
  assert.deepEqual(server.kept.keys, { tool_brush: ['Y'] });
});

test('where the browser keeps nothing, keys still change and follow', async () => {
  const server = new Server();
  browser.refuses = true;
  const page = opened(server);
  page.choose('tool_brush', 'Y');
  await settled();
  assert.deepEqual(page.now(), { tool_brush: ['B', 'Y'] });
  assert.deepEqual(server.kept.keys, { tool_brush: ['B', 'Y'] });
  await page.keys.meet();
  assert.deepEqual(page.now(), { tool_brush: ['B', 'Y'] });
});

test('the first keys again undo all changes everywhere', async () => {
  const server = new Server();
  browser.kept.set('maskwright.keys.alice', JSON.stringify({ tool_brush: ['Y'], fit: ['0'] }));
  server.kept = { keys: {}, saved_at: 'elsewhere' };
  const page = opened(server);
  await page.keys.meet();
  assert.deepEqual(page.now(), {});
  assert.deepEqual(keysHere('alice'), FIRST_KEYS);
});
