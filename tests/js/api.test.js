import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';

import { ApiClient } from '../../web/static/js/api/client.js';
import { ApiError } from '../../web/static/js/api/transport.js';

/** @typedef {{status: number, body?: unknown, headers?: Record<string, string>}} Reply */
/** @typedef {{method: string, url: string, headers: import('node:http').IncomingHttpHeaders, body: string}} Seen */

/**
 * Runs `act` against a server that gives the replies in turn, the last one for ever.
 *
 * @param {Reply[]} replies
 * @param {(api: ApiClient, seen: Seen[]) => Promise<void>} act
 */
async function withServer(replies, act) {
  /** @type {Seen[]} */
  const seen = [];
  const server = createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    seen.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers, body: Buffer.concat(parts).toString() });
    const { status, body, headers } = replies[Math.min(seen.length, replies.length) - 1];
    response.writeHead(status, { 'Content-Type': 'application/json', ...headers });
    response.end(body === undefined ? '' : JSON.stringify(body));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  const base = `http://127.0.0.1:${port}/api/v1/`;
  try {
    await act(new ApiClient({ base, firstWaitMs: 1, csrfToken: () => 'token' }), seen);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const SAVED = { id: 'm', version: 1, state: 'draft', area: 3, sha256: 'x', image: 'i', order_index: 0 };

test('a new mask is created with If-None-Match, a known one changed with If-Match', async () => {
  await withServer([{ status: 201, body: SAVED }, { status: 200, body: SAVED }], async (api, seen) => {
    await api.putMask('m', null, { save_id: 's' });
    await api.putMask('m', 4, { save_id: 't' });
    await api.deleteMask('m', 5, 'u');
    assert.deepEqual(
      seen.map(({ method, url, headers }) => [method, url, headers['if-none-match'], headers['if-match']]),
      [
        ['PUT', '/api/v1/masks/m', '*', undefined],
        ['PUT', '/api/v1/masks/m', undefined, '"4"'],
        ['DELETE', '/api/v1/masks/m', undefined, '"5"'],
      ],
    );
    assert.deepEqual(JSON.parse(seen[2].body), { save_id: 'u' });
    assert.ok(seen.every(({ headers }) => headers['x-csrftoken'] === 'token'));
  });
});

test('a refusal carries status, code, message and body', async () => {
  const body = { error: { code: 'stale', message: 'The mask is at version 7.', field: null }, current: { version: 7, sha256: 'y' } };
  await withServer([{ status: 412, body }], async (api) => {
    await assert.rejects(api.putMask('m', 4, {}), (error) => {
      assert.ok(error instanceof ApiError);
      assert.deepEqual([error.status, error.code, error.message], [412, 'stale', 'The mask is at version 7.']);
      assert.deepEqual(error.body, body);
      assert.equal(error.isPassing, false);
      return true;
    });
  });
});

test('reading is tried again when the server is busy, saving is not', async () => {
  const busy = { status: 503, body: { error: { code: 'busy', message: 'Busy.' } } };
  await withServer([busy, busy, { status: 200, body: { masks: [] } }], async (api, seen) => {
    assert.deepEqual(await api.masksOf('i'), { masks: [] });
    assert.equal(seen.length, 3);
  });
  await withServer([busy], async (api, seen) => {
    await assert.rejects(api.putMask('m', null, {}), ApiError);
    assert.equal(seen.length, 1);
  });
});

test('the waiting time of the server is told to whoever repeats a save', async () => {
  await withServer([{ status: 429, headers: { 'Retry-After': '7' } }], async (api) => {
    await assert.rejects(api.putMask('m', null, {}), (error) => {
      assert.ok(error instanceof ApiError);
      assert.deepEqual([error.status, error.code, error.retryAfterMs, error.isPassing], [429, 'http_429', 7000, true]);
      return true;
    });
  });
});

test('nothing left to annotate is null', async () => {
  await withServer([{ status: 204 }], async (api, seen) => {
    assert.equal(await api.nextAssignment('p', 2), null);
    assert.deepEqual(JSON.parse(seen[0].body), { ahead: 2, practice: false });
  });
});

test('no answer at all is an error of status 0', async () => {
  const api = new ApiClient({ base: 'http://127.0.0.1:1/api/v1/', firstWaitMs: 1, csrfToken: () => '' });
  await assert.rejects(api.me(), (error) => error instanceof ApiError && error.status === 0 && error.code === 'network');
});

test('filters become a query, files a form', async () => {
  await withServer([{ status: 200, body: {} }], async (api, seen) => {
    await api.images('p', { page: 2, state: 'in progress' });
    assert.equal(seen[0].url, '/api/v1/projects/p/images?page=2&state=in+progress');
    await api.uploadImages('p', [new File(['x'], 'näme.png', { type: 'image/png' })]);
    assert.match(seen[1].headers['content-type'] ?? '', /^multipart\/form-data; boundary=/);
    assert.match(seen[1].body, /filename="näme.png"/);
  });
});
