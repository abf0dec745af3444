// Answers the cases of test_js_geometry.py: `node geometry_cases.js CASES ANSWERS`.
import { readFileSync, writeFileSync } from 'node:fs';

import { logitsToRaster, stabilityScore } from '../../web/static/js/geometry/logits.js';
import { frameOf, toFramePoints } from '../../web/static/js/geometry/model_frame.js';
import { boundingBox, cleanUp, stampStroke, subtract, union } from '../../web/static/js/geometry/raster.js';
import { area, decode, encode, sha256Hex } from '../../web/static/js/geometry/rle.js';

/** @typedef {import('../../web/static/js/geometry/types.js').MaskRaster} MaskRaster */

/**
 * A mask as the Python side writes it: a full raster in base64.
 *
 * @param {any} told
 * @returns {MaskRaster}
 */
function fullMask({ width, height, bits }) {
  return { width, height, box: [0, 0, width, height], bits: new Uint8Array(Buffer.from(bits, 'base64')) };
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
 * @param {Float32Array} values
 * @returns {string}
 */
function base64(values) {
  return Buffer.from(values.buffer).toString('base64');
}

/** @type {Record<string, (given: any) => any>} */
const ANSWERS = {
  rle: async ({ mask }) => {
    const rle = encode(fullMask(mask));
    const tight = decode(rle);
    return { rle, again: encode(tight), area: area(rle), box: tight.box, sha256: await sha256Hex(rle.counts) };
  },
  algebra: ({ a, b }) => {
    const [first, second] = [decode(a), decode(b)];
    return { union: encode(union(first, second)), difference: encode(subtract(first, second)) };
  },
  stroke: ({ mask, points, size, shape, add }) => {
    const drawn = stampStroke(decode(mask), points, size, shape, add);
    return { rle: encode(drawn), isTight: boundingBox(drawn).join() === drawn.box.join() };
  },
  cleanUp: ({ mask, minArea }) => encode(cleanUp(decode(mask), minArea)),
  prompt: ({ prompt, width, height, inputSize, lowResSize }) => {
    const frame = frameOf(width, height, inputSize, lowResSize);
    const { coords, labels } = toFramePoints(prompt, frame);
    return { frame, coords: base64(coords), labels: base64(labels) };
  },
  logits: ({ logits, width, height, inputSize, lowResSize }) => {
    const values = floats(logits);
    const mask = logitsToRaster(values, frameOf(width, height, inputSize, lowResSize));
    return { rle: encode(mask), stability: stabilityScore(values), isTight: boundingBox(mask).join() === mask.box.join() };
  },
};

const [, , casesPath, answersPath] = process.argv;
const cases = JSON.parse(readFileSync(casesPath, 'utf8'));
const answers = [];
for (const { kind, given } of cases) answers.push(await ANSWERS[kind](given));
writeFileSync(answersPath, JSON.stringify(answers));
