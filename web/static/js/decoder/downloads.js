/** Files of the decoder from the server. */

import { DecoderError, messageOf } from './errors.js';

/** Generous, for slow lines; without a limit a lost connection would hang the image for ever. */
const TIME_LIMIT_MS = 120_000;

/** @typedef {(url: string, options?: {fresh?: boolean}) => Promise<ArrayBuffer>} Download */

/**
 * The bytes behind an address of our own server. They are named by their content, so the
 * browser's cache may answer.
 *
 * @param {string} url
 * @param {{fresh?: boolean}} [options] fresh: ask the server, whatever the cache holds
 * @returns {Promise<ArrayBuffer>}
 * @throws {DecoderError} embedding_not_ready for 409, fetch_failed for everything else
 */
export async function download(url, { fresh = false } = {}) {
  const response = await answer(url, fresh ? 'reload' : 'default');
  if (response.status === 409) {
    throw new DecoderError('embedding_not_ready', 'The embedding of this image is not ready yet.');
  }
  if (!response.ok) throw new DecoderError('fetch_failed', `${url} answered ${response.status}.`);
  try {
    return await response.arrayBuffer();
  } catch (error) {
    throw new DecoderError('fetch_failed', `${url} was cut off: ${messageOf(error)}.`);
  }
}

/**
 * @param {string} url
 * @param {RequestCache} cache
 * @returns {Promise<Response>}
 */
async function answer(url, cache) {
  try {
    return await fetch(url, { credentials: 'same-origin', cache, signal: AbortSignal.timeout(TIME_LIMIT_MS) });
  } catch (error) {
    throw new DecoderError('fetch_failed', `${url} cannot be reached: ${messageOf(error)}.`);
  }
}
