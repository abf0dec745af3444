/** Half-precision numbers, which not every browser knows by itself. */

const LARGEST = 0x7bff;

/** The value of each of the 65,536 half-precision bit patterns. */
const VALUES = Float32Array.from({ length: 1 << 16 }, (_, bits) => halfToNumber(bits));

/**
 * @param {Uint16Array} halves bit patterns of IEEE 754 binary16
 * @returns {Float32Array} the same numbers, exactly
 */
export function widen(halves) {
  const wide = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) wide[i] = VALUES[halves[i]];
  return wide;
}

/**
 * The nearest half-precision bit patterns; what is too large becomes the largest.
 *
 * @param {Float32Array} wide finite numbers
 * @returns {Uint16Array}
 */
export function narrow(wide) {
  const halves = new Uint16Array(wide.length);
  for (let i = 0; i < wide.length; i++) halves[i] = nearestHalf(Math.abs(wide[i])) | (wide[i] < 0 ? 0x8000 : 0);
  return halves;
}

/**
 * @param {number} size at least 0
 * @returns {number} bits; among the patterns of positive numbers, which lie in the order of their values
 */
function nearestHalf(size) {
  let low = 0;
  let high = LARGEST;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (VALUES[middle] <= size) low = middle;
    else high = middle;
  }
  return size - VALUES[low] <= VALUES[high] - size ? low : high;
}

/**
 * @param {number} bits
 * @returns {number}
 */
function halfToNumber(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
