/** Crops of large images: which one serves what is looked at, and what does not fit into one. */

import { boxOfFrame, placeOf } from './model_frame.js';

/** @typedef {import('./types.js').Box} Box */
/** @typedef {import('./types.js').ModelFrame} ModelFrame */

/** Fewer cells of a mask at the border of a crop are specks. */
const LEAVING_CELLS = 4;
/** What is looked at takes at most so much of a crop's side; the twin of `common/crop_grid.py`. */
const MOST_LOOKED_AT = 3 / 4;
const SLACK_PX = 2;
const MOST_ENLARGED = 4;

/**
 * The side of the grid's crop for what is looked at.
 *
 * @param {Box} box
 * @param {{width: number, height: number}} image
 * @param {number} inputSize side of the model frame
 * @returns {number | null} image pixels; null where the whole image serves
 */
export function cropSide([x0, y0, x1, y1], image, inputSize) {
  const lookedAt = Math.max(x1 - x0, y1 - y0) + SLACK_PX;
  const longest = Math.max(image.width, image.height);
  let found = null;
  if (longest <= inputSize) return found;
  for (let halves = 2; MOST_ENLARGED * Math.ceil(longest / halves) >= inputSize; halves *= 2) {
    const side = Math.ceil(longest / halves);
    if (lookedAt <= MOST_LOOKED_AT * side) found = side;
  }
  return found;
}

/**
 * Whether a mask goes on beyond its crop: it meets a border of the crop that is none of the image.
 *
 * @param {Float32Array} lowRes
 * @param {ModelFrame} frame
 * @returns {boolean} never for the frame of a whole image
 */
export function leavesFrame(lowRes, frame) {
  const [x0, y0, x1, y1] = boxOfFrame(frame);
  const image = placeOf(frame);
  const side = frame.lowResSize;
  const columns = Math.ceil((frame.newWidth * side) / frame.inputSize);
  const rows = Math.ceil((frame.newHeight * side) / frame.inputSize);
  let cells = 0;
  const count = (/** @type {number} */ cell) => {
    if (lowRes[cell] > 0) cells += 1;
  };
  for (let row = 0; row < rows; row++) {
    if (x0 > 0) count(row * side);
    if (x1 < image.width) count(row * side + columns - 1);
  }
  for (let column = 0; column < columns; column++) {
    if (y0 > 0) count(column);
    if (y1 < image.height) count((rows - 1) * side + column);
  }
  return cells >= LEAVING_CELLS;
}

/**
 * Whether a mask at image resolution keeps clear of the borders of a crop, other than those of the image.
 *
 * @param {Box} box of the mask
 * @param {Box} crop
 * @param {{width: number, height: number}} image
 * @returns {boolean}
 */
export function staysInside(box, crop, image) {
  const isClear = (/** @type {number} */ gap, /** @type {boolean} */ atEdge) => gap > 0 || (atEdge && gap === 0);
  return (
    isClear(box[0] - crop[0], crop[0] === 0) &&
    isClear(box[1] - crop[1], crop[1] === 0) &&
    isClear(crop[2] - box[2], crop[2] === image.width) &&
    isClear(crop[3] - box[3], crop[3] === image.height)
  );
}
