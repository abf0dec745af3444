import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ComingFiles } from '../../web/static/js/pages/workbench/coming_files.js';
import { filesOf } from '../../web/static/js/pages/workbench/pictures.js';

/** @typedef {import('../../web/static/js/api/types.js').ImageFacts} ImageFacts */

/** A server whose files have as many bytes as their name says; what is asked for is noted. */
class Files {
  /** @type {string[]} */
  asked = [];
  isDown = false;

  /** @param {string} url */
  read = async (url) => {
    this.asked.push(url);
    if (this.isDown) throw new Error('down');
    return new Blob([new Uint8Array(Number(url.split('-')[1]))]);
  };
}

/** @param {...string} urls @returns {{id: string, urls: string[]}[]} an image for each file */
const images = (...urls) => urls.map((url) => ({ id: url.split('-')[0], urls: [url] }));

test('an image that is opened finds its files there, and they are not held twice', async () => {
  const server = new Files();
  const coming = new ComingFiles(server.read);
  await coming.fetch([{ id: 'a', urls: ['a-300', 'aa-200'] }, ...images('b-40')]);
  assert.equal(coming.bytes, 540);
  const read = coming.take('a');
  assert.equal(coming.bytes, 40);
  assert.equal((await read('aa-200')).size, 200);
  assert.deepEqual(server.asked, ['a-300', 'aa-200', 'b-40']);
  assert.equal((await read('tile-7')).size, 7, 'what was not fetched ahead is fetched now');
});

test('nothing more is fetched ahead than there is room for, and the nearest comes first', async () => {
  const server = new Files();
  const coming = new ComingFiles(server.read, 500);
  await coming.fetch(images('a-400', 'b-400', 'c-400'));
  assert.deepEqual(server.asked, ['a-400', 'b-400']);
  coming.take('a');
  await coming.fetch(images('b-400', 'c-400'));
  assert.deepEqual(server.asked, ['a-400', 'b-400', 'c-400']);
});

test('what does not come next any more is let go of', async () => {
  const server = new Files();
  const coming = new ComingFiles(server.read);
  await coming.fetch(images('a-100', 'b-30'));
  await coming.fetch(images('b-30', 'c-5'));
  assert.equal(coming.bytes, 35);
  assert.deepEqual(server.asked, ['a-100', 'b-30', 'c-5']);
});

test('whoever goes on in a hurry has nothing fetched for the images passed by', async () => {
  const server = new Files();
  const coming = new ComingFiles(server.read);
  await Promise.all([coming.fetch(images('a-1', 'b-2', 'c-3')), coming.fetch(images('c-3', 'd-4'))]);
  assert.deepEqual(server.asked, ['a-1', 'c-3', 'd-4']);
  assert.equal(coming.bytes, 7);
});

test('a file that could not be fetched ahead is asked for again when it is needed', async () => {
  const server = new Files();
  const coming = new ComingFiles(server.read);
  server.isDown = true;
  await coming.fetch(images('a-100'));
  assert.equal(coming.bytes, 0);
  server.isDown = false;
  assert.equal((await coming.take('a')('a-100')).size, 100);
});

test('of a large picture the squares of its overview are fetched ahead', () => {
  const levels = [{ level: 0, width: 8000, height: 5000 }, { level: 2, width: 2000, height: 1250 }, { level: 1, width: 4000, height: 2500 }];
  const image = /** @type {ImageFacts} */ (/** @type {unknown} */ ({ id: 'x', width: 8000, height: 5000, file_url: '/f', tiles: { tile_size: 1024, levels } }));
  assert.deepEqual(filesOf(image, '/api/'), ['0/0', '1/0', '0/1', '1/1'].map((place) => `/api/images/x/tiles/2/${place}`));
  assert.deepEqual(filesOf({ ...image, tiles: null }, '/api/'), ['/f']);
});
