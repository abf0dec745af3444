// Answers the cases of test_js_decoder.py with the browser's engine: `node decoder_cases.js CASES ANSWERS`.
import { readFileSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

// @ts-expect-error The file that browsers load has no types beside it.
import * as ort from '../../node_modules/onnxruntime-web/dist/ort.wasm.min.mjs';
import { startRuntime } from '../../web/static/js/decoder/decoder_worker.js';
import { DecoderEngine } from '../../web/static/js/decoder/engine.js';
import { encode } from '../../web/static/js/geometry/rle.js';

const ORT_BASE = new URL('../../node_modules/onnxruntime-web/dist/', import.meta.url).href;

/**
 * @param {string} path
 * @returns {Promise<ArrayBuffer>}
 */
async function fromDisk(path) {
  const bytes = await readFile(path);
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
}

/**
 * @param {Float32Array} values
 * @returns {string}
 */
function base64(values) {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64');
}

/**
 * @param {string} text
 * @returns {Float32Array}
 */
function floats(text) {
  const bytes = Buffer.from(text, 'base64');
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

/**
 * @param {DecoderEngine} engine
 * @param {any} given
 */
async function decoded(engine, { imageKey, prompt, maskInput }) {
  const { candidates } = await engine.decode({ imageKey, prompt, maskInput: maskInput && floats(maskInput) });
  return candidates.map(({ token, predictedIou, stability, lowRes, mask }) => ({
    token,
    predictedIou,
    stability,
    lowRes: base64(lowRes),
    rle: mask && encode(mask),
  }));
}

const [, , casesPath, answersPath] = process.argv;
const runtime = await startRuntime(/** @type {any} */ (ort), { ortBase: ORT_BASE, threads: 1 });
const engine = new DecoderEngine(runtime, fromDisk);
const answers = [];
for (const { kind, given } of JSON.parse(readFileSync(casesPath, 'utf8'))) {
  try {
    const result = await (kind === 'decode' ? decoded(engine, given) : /** @type {any} */ (engine)[kind](given));
    answers.push({ result });
  } catch (error) {
    answers.push({ refused: /** @type {any} */ (error).code ?? String(error) });
  }
}
writeFileSync(answersPath, JSON.stringify(answers));
