import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ImagePages, PAGE_SIZE } from '../../web/static/js/widgets/image_pages.js';

/** @typedef {import('../../web/static/js/api/types.js').ImageFacts} ImageFacts */

/** A list of images that answers when it is told to. */
class Server {
  total = 570;
  version = 1;
  /** @type {{page: number, answer: () => void, fail: () => void}[]} */
  asked = [];

  /** @param {number} offset @param {number} limit @returns {Promise<import('../../web/static/js/widgets/image_pages.js').ImagePage>} */
  read = (offset, limit) =>
    new Promise((resolve, reject) => {
      const places = Array.from({ length: Math.max(0, Math.min(limit, this.total - offset)) }, (_, i) => offset + i);
      const images = places.map((place) => /** @type {ImageFacts} */ ({ id: `v${this.version}-${place}` }));
      const found = { images, total: this.total };
      this.asked.push({ page: offset / limit, answer: () => resolve(found), fail: () => reject(new Error('down')) });
    });

  /** @returns {Promise<number | undefined>} the page that was asked for first, answered now */
  async answer() {
    const [first] = this.asked.splice(0, 1);
    first?.answer();
    await settled();
    return first?.page;
  }
}

/** Lets everything run that waits for no timer. */
async function settled() {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

/** @returns {{server: Server, pages: ImagePages, shown: number[], faults: unknown[]}} */
function scene() {
  const server = new Server();
  /** @type {number[]} */
  const shown = [];
  /** @type {unknown[]} */
  const faults = [];
  const pages = new ImagePages({ read: server.read, onPage: (first) => shown.push(first / PAGE_SIZE), onFault: (fault) => faults.push(fault) });
  pages.restart();
  return { server, pages, shown, faults };
}

test('pages are read one at a time, nearest to what is looked at, and none in between', async () => {
  const { server, pages, shown } = scene();
  assert.equal(await server.answer(), 0);
  assert.equal(pages.total, server.total);
  pages.want(370, 540);
  assert.equal(server.asked.length, 1);
  pages.want(190, 200); // scrolled on before the answer came
  await server.answer();
  assert.equal(await server.answer(), 3);
  assert.equal(server.asked.length, 0);
  assert.deepEqual(shown, [0, 7, 3]);
  assert.equal(pages.at(185)?.id, 'v1-185');
  assert.equal(pages.at(365), undefined);
  pages.want(190, 200);
  await settled();
  assert.equal(server.asked.length, 0);
});

test('what changed is read again where somebody looks, and shown as it was until then', async () => {
  const { server, pages } = scene();
  await server.answer();
  pages.want(0, 90);
  assert.equal(await server.answer(), 1);
  pages.want(20, 50);
  server.version = 2;
  pages.expire();
  assert.equal(pages.at(30)?.id, 'v1-30');
  pages.expire(); // while it is read: once more
  assert.equal(await server.answer(), 0);
  assert.equal(pages.at(30)?.id, 'v2-30');
  assert.equal(await server.answer(), 0);
  assert.equal(server.asked.length, 0);
  assert.equal(pages.at(100)?.id, 'v1-100');
  pages.want(90, 110);
  assert.equal(await server.answer(), 1);
  assert.equal(pages.at(100)?.id, 'v2-100');
});

test('a range is read as a whole, also over a page that is on its way', async () => {
  const { server, pages } = scene();
  await server.answer();
  pages.want(250, 260);
  const range = pages.between(150, 420);
  const order = [];
  while (server.asked.length > 0) order.push(await server.answer());
  const ids = (await range).map(({ id }) => id);
  assert.deepEqual([...order].sort(), [2, 3, 4, 5, 6]);
  assert.equal(ids.length, 270);
  assert.deepEqual([ids[0], ids[269]], ['v1-150', 'v1-419']);
});

test('answers about another list are left aside', async () => {
  const { server, pages, shown } = scene();
  await server.answer();
  const range = pages.between(0, 500);
  pages.want(500, 520);
  server.total = 5;
  server.version = 2;
  pages.restart();
  while (server.asked.length > 0) await server.answer();
  assert.deepEqual(await range, []);
  assert.deepEqual(shown, [0, 0]);
  assert.equal(pages.total, 5);
  assert.equal(pages.at(3)?.id, 'v2-3');
  assert.equal(pages.at(500), undefined);
});

test('a page that could not be read is read when it is wanted again', async () => {
  const { server, pages, faults } = scene();
  const [first] = server.asked.splice(0, 1);
  first.fail();
  await settled();
  assert.equal(faults.length, 1);
  assert.equal(server.asked.length, 0);
  pages.expire();
  assert.equal(await server.answer(), 0);
  assert.equal(pages.at(1)?.id, 'v1-1');
});

test('an empty list is read again when something changed, and so is one that became shorter', async () => {
  const { server, pages } = scene();
  await server.answer();
  pages.want(300, 320);
  await server.answer();
  server.total = 0;
  pages.expire();
  await server.answer();
  while (server.asked.length > 0) await server.answer();
  assert.equal(pages.total, 0);
  server.total = 2;
  server.version = 2;
  pages.expire();
  assert.equal(await server.answer(), 0);
  assert.equal(pages.total, 2);
  assert.equal(pages.at(1)?.id, 'v2-1');
});
