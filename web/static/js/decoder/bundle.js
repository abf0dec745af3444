/** The browser's part of a model version: its manifest and its verified graphs. */

import { sha256OfBytes } from './embedding_format.js';
import { DecoderError, messageOf } from './errors.js';

/** @typedef {import('./downloads.js').Download} Download */

/**
 * @typedef {object} Manifest
 * @property {1} format
 * @property {string} name
 * @property {number} input_size side of the model frame
 * @property {number} embed_dim
 * @property {number} grid
 * @property {number} low_res side of the low-res logits
 * @property {string} encoder_fingerprint
 * @property {string} bundle_fingerprint
 * @property {Record<string, {sha256: string, bytes: number}>} files
 * @property {string[]} prepared names of the tensors between `prepare` and the others
 */

/**
 * @typedef {object} Bundle
 * @property {Manifest} manifest
 * @property {{prepare: Uint8Array<ArrayBuffer>, decode: Uint8Array<ArrayBuffer>, refine: Uint8Array<ArrayBuffer>}} graphs
 */

/** @typedef {{manifestUrl: string, filesUrl: string}} BundleAddress */

/**
 * @param {string} url
 * @param {Download} download
 * @returns {Promise<Manifest>}
 * @throws {DecoderError} damaged_model
 */
export async function fetchManifest(url, download) {
  const text = new TextDecoder().decode(await download(url));
  /** @type {any} */
  let manifest;
  try {
    manifest = JSON.parse(text);
  } catch (error) {
    throw new DecoderError('damaged_model', `The model's manifest is no JSON: ${messageOf(error)}.`);
  }
  if (manifest?.format !== 1 || !manifest.files || !Array.isArray(manifest.prepared)) {
    throw new DecoderError('damaged_model', `The model's manifest has format ${manifest?.format}, not 1.`);
  }
  const fingerprint = await fingerprintOf(manifest.files);
  if (fingerprint === manifest.bundle_fingerprint) return manifest;
  throw new DecoderError(
    'damaged_model',
    `The model's manifest says fingerprint ${manifest.bundle_fingerprint}, its files ${fingerprint}.`,
  );
}

/**
 * SHA-256 over the names and hashes of all files: the twin of `common/manifest.py`.
 *
 * @param {Manifest['files']} files
 * @returns {Promise<string>}
 */
function fingerprintOf(files) {
  const names = Object.keys(files).sort();
  const lines = names.map((name) => `${name} ${files[name].sha256}\n`);
  return sha256OfBytes(new TextEncoder().encode(lines.join('')));
}

/**
 * @param {Manifest} manifest
 * @param {string} filesUrl
 * @param {Download} download
 * @returns {Promise<Bundle>}
 * @throws {DecoderError} damaged_model when a file does not match the manifest
 */
export async function fetchBundle(manifest, filesUrl, download) {
  const folder = filesUrl.endsWith('/') ? filesUrl : `${filesUrl}/`;
  const [prepare, decode, refine] = await Promise.all(
    ['prepare.onnx', 'decode.onnx', 'refine.onnx'].map((name) => verifiedFile(manifest, folder, name, download)),
  );
  return { manifest, graphs: { prepare, decode, refine } };
}

/**
 * A file of the bundle; one that was damaged on the way is asked for once more, past the cache.
 *
 * @param {Manifest} manifest
 * @param {string} folder
 * @param {string} name
 * @param {Download} download
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
async function verifiedFile(manifest, folder, name, download) {
  const wanted = manifest.files[name];
  if (!wanted) throw new DecoderError('damaged_model', `The model has no ${name}.`);
  let hash = '';
  for (const fresh of [false, true]) {
    const bytes = new Uint8Array(await download(folder + name, { fresh }));
    hash = await sha256OfBytes(bytes);
    if (hash === wanted.sha256) return bytes;
  }
  throw new DecoderError('damaged_model', `${name} has the hash ${hash}, the manifest says ${wanted.sha256}.`);
}
