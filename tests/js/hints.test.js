import assert from 'node:assert/strict';
import { mock, test } from 'node:test';

import { withRests } from '../../web/static/js/widgets/hints.js';

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
