import assert from 'node:assert/strict';
import { mock, test } from 'node:test';

import { HINT_KINDS, ProjectHints, withRests } from '../../web/static/js/widgets/hints.js';

/** Lets everything run that waits for no timer. */
async function settled() {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
}

test('a reader rests after a run, and what was asked meanwhile is one run more', async () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  let runs = 0;
  const { read } = withRests(async () => {
    runs += 1;
  });
  void read();
  void read();
  void read();
  await settled();
  assert.equal(runs, 1);
  mock.timers.tick(60_000);
  await settled();
  assert.equal(runs, 2);
  mock.timers.tick(60_000);
  await settled();
  assert.equal(runs, 2);
  mock.timers.reset();
});

test('a rest ends at once when somebody waits', async () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  let runs = 0;
  const { read, hurry } = withRests(async () => {
    runs += 1;
  });
  void read();
  await settled();
  void read();
  hurry();
  await settled();
  assert.equal(runs, 2);
  mock.timers.reset();
});

test('what somebody waits for follows a slow run without a rest', async () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  let runs = 0;
  /** @type {() => void} */
  let answer = () => {};
  const { read, hurry } = withRests(() => {
    runs += 1;
    return new Promise((resolve) => {
      answer = () => resolve(undefined);
    });
  });
  void read();
  await settled();
  void read();
  hurry();
  answer();
  await settled();
  assert.equal(runs, 2);
  mock.timers.reset();
});

/** What a page needs of a browser: sockets that do as they are told. @returns {{made: EventTarget[], close: (code: number) => void, restore: () => void}} */
function fakeBrowser() {
  /** @type {EventTarget[]} */
  const made = [];
  class FakeSocket extends EventTarget {
    static OPEN = 1;
    readyState = 3;
    constructor() {
      super();
      made.push(this);
    }
  }
  const known = Object.fromEntries(['WebSocket', 'location', 'document'].map((name) => [name, Reflect.get(globalThis, name)]));
  Object.assign(globalThis, { WebSocket: FakeSocket, location: { protocol: 'http:', host: 'here' }, document: { hidden: false } });
  mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  return {
    made,
    close: (code) => made[made.length - 1].dispatchEvent(Object.assign(new Event('close'), { code })),
    restore: () => {
      mock.timers.reset();
      Object.assign(globalThis, known);
    },
  };
}

test('a lost connection is tried again within a second', () => {
  const { made, close, restore } = fakeBrowser();
  new ProjectHints({ project: '1', onHint: () => undefined });
  made[0].dispatchEvent(new Event('open'));
  close(1006);
  mock.timers.tick(1000);
  assert.equal(made.length, 2);
  restore();
});

for (const code of [4401, 4404, 4429]) {
  test(`who is turned away with ${code} is told at once, and comes back seldom`, () => {
    const { made, close, restore } = fakeBrowser();
    /** @type {string[]} */
    const heard = [];
    new ProjectHints({ project: '1', onHint: (kind) => void heard.push(kind) });
    made[0].dispatchEvent(new Event('open'));
    heard.length = 0;
    close(code);
    assert.deepEqual(heard, HINT_KINDS);
    mock.timers.tick(9000);
    assert.equal(made.length, 1);
    mock.timers.tick(21000);
    assert.equal(made.length, 2);
    restore();
  });
}
