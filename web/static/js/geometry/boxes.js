/** Half-open rectangles in image pixels. */

/** @typedef {import('./types.js').Box} Box */

/** @type {Box} */
export const NO_BOX = [0, 0, 0, 0];

/**
 * The smallest box around two; an empty box counts for nothing.
 *
 * @param {Box} a
 * @param {Box} b
 * @returns {Box}
 */
export function hull(a, b) {
  if (isEmptyBox(a)) return b;
  if (isEmptyBox(b)) return a;
  return [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[2], b[2]), Math.max(a[3], b[3])];
}

/**
 * What two boxes share.
 *
 * @param {Box} a
 * @param {Box} b
 * @returns {Box} [0, 0, 0, 0] when nothing
 */
export function overlap(a, b) {
  const x0 = Math.max(a[0], b[0]);
  const y0 = Math.max(a[1], b[1]);
  const x1 = Math.min(a[2], b[2]);
  const y1 = Math.min(a[3], b[3]);
  return x0 < x1 && y0 < y1 ? [x0, y0, x1, y1] : NO_BOX;
}

/**
 * @param {Box} box
 * @returns {boolean}
 */
export function isEmptyBox(box) {
  return box[0] >= box[2] || box[1] >= box[3];
}

/**
 * @param {Box} a
 * @param {Box} b
 * @returns {boolean}
 */
export function sameBox(a, b) {
  return a.every((side, i) => side === b[i]);
}

/**
 * @param {Box} outer
 * @param {Box} inner
 * @returns {boolean} whether all of the inner one lies in the outer one
 */
export const holds = (outer, inner) => outer[0] <= inner[0] && outer[1] <= inner[1] && inner[2] <= outer[2] && inner[3] <= outer[3];
