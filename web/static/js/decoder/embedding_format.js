/**
 * The embedding file: the twin of `common/embedding_format.py`.
 *
 *     MWEMBED1 | header length, uint32 LE | header, JSON padded with spaces | payload, float16 LE
 *
 * The payload starts at a multiple of 16 bytes, so that it can be viewed in place.
 */

import { DecoderError, messageOf } from './errors.js';
import { widen } from './half_floats.js';

const MAGIC = 'MWEMBED1';
const PREFIX_BYTES = 12;
const ALIGNMENT = 16;

/**
 * @typedef {object} EmbeddingHeader
 * @property {string} image_sha256
 * @property {[x0: number, y0: number, x1: number, y1: number]} crop
 * @property {string} encoder_fingerprint
 * @property {[channels: number, rows: number, columns: number]} shape
 * @property {'float16'} dtype
 * @property {number} input_size
 * @property {[height: number, width: number]} resized
 * @property {[height: number, width: number]} size
 * @property {string} payload_sha256
 */

/**
 * @typedef {object} Embedding
 * @property {EmbeddingHeader} header
 * @property {Float32Array} values [C, g, g], row-major
 */

/** @typedef {{imageSha256: string, encoderFingerprint: string}} ExpectedEmbedding */

/**
 * Reads an embedding file and verifies every byte of it.
 *
 * @param {ArrayBuffer} content
 * @param {ExpectedEmbedding} expected
 * @returns {Promise<Embedding>}
 * @throws {DecoderError} damaged_embedding, or wrong_embedding when it is of something else
 */
export async function decodeEmbedding(content, expected) {
  const { header, payloadOffset } = readHeader(content);
  checkExpected(header, expected);
  const numValues = header.shape.reduce((product, side) => product * side, 1);
  if (content.byteLength !== payloadOffset + 2 * numValues) {
    throw damaged(`it has ${content.byteLength} bytes instead of ${payloadOffset + 2 * numValues}`);
  }
  const payload = new Uint8Array(content, payloadOffset);
  if ((await sha256OfBytes(payload)) !== header.payload_sha256) {
    throw damaged('its payload does not match its hash');
  }
  return { header, values: widen(new Uint16Array(content, payloadOffset, numValues)) };
}

/**
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @returns {Promise<string>} 64 lower-case hexadecimal digits
 */
export async function sha256OfBytes(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * @param {ArrayBuffer} content
 * @returns {{header: EmbeddingHeader, payloadOffset: number}}
 */
function readHeader(content) {
  if (content.byteLength < PREFIX_BYTES) throw damaged(`it has only ${content.byteLength} bytes`);
  const magic = new TextDecoder('latin1').decode(new Uint8Array(content, 0, MAGIC.length));
  if (magic !== MAGIC) throw damaged(`it does not start with ${MAGIC}`);
  const length = new DataView(content).getUint32(MAGIC.length, true);
  const payloadOffset = PREFIX_BYTES + length;
  if (payloadOffset > content.byteLength || payloadOffset % ALIGNMENT) {
    throw damaged(`its header of ${length} bytes is cut off or misaligned`);
  }
  const header = parseHeader(new TextDecoder().decode(new Uint8Array(content, PREFIX_BYTES, length)));
  return { header, payloadOffset };
}

/**
 * @param {string} text
 * @returns {EmbeddingHeader}
 */
function parseHeader(text) {
  /** @type {any} */
  let header;
  try {
    header = JSON.parse(text);
  } catch (error) {
    throw damaged(`its header is no JSON: ${messageOf(error)}`);
  }
  const isSound =
    header?.dtype === 'float16' &&
    isWholeNumbers(header.shape, 3) &&
    isWholeNumbers(header.crop, 4) &&
    isWholeNumbers(header.resized, 2) &&
    isWholeNumbers(header.size, 2) &&
    isWholeNumbers([header.input_size], 1);
  if (!isSound) throw damaged('its header lacks a field');
  return header;
}

/**
 * @param {EmbeddingHeader} header
 * @param {ExpectedEmbedding} expected
 */
function checkExpected(header, expected) {
  const isExpected =
    header.image_sha256 === expected.imageSha256 &&
    header.encoder_fingerprint === expected.encoderFingerprint;
  if (isExpected) return;
  throw new DecoderError(
    'wrong_embedding',
    `The embedding is of image ${header.image_sha256} by encoder ${header.encoder_fingerprint}, ` +
      `not of image ${expected.imageSha256} by encoder ${expected.encoderFingerprint}.`,
  );
}

/**
 * @param {unknown} values
 * @param {number} count
 * @returns {boolean}
 */
function isWholeNumbers(values, count) {
  return Array.isArray(values) && values.length === count && values.every((value) => Number.isInteger(value) && value >= 0);
}

/**
 * @param {string} reason
 * @returns {DecoderError}
 */
function damaged(reason) {
  return new DecoderError('damaged_embedding', `The embedding file is damaged: ${reason}.`);
}
