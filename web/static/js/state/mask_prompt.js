/**
 * The mask prompt for the next decode: the logits fed back, with what a person painted pressed into them.
 *
 * @typedef {import('./types.js').MaskRaster} MaskRaster
 * @typedef {import('../geometry/types.js').ModelFrame} Frame
 */
import { overlap } from '../geometry/boxes.js';
import { boxOfFrame, placeOf } from '../geometry/model_frame.js';

/** How sure a painted or erased pixel is, in logits. */
const SURE = 10;

/**
 * Logits for a mask that has none (opened again, painted, imported): the share of each low-res cell that the
 * mask covers, stretched to -SURE..SURE. Cells beyond the image in the padded frame are background.
 *
 * @param {MaskRaster} mask
 * @param {Frame} frame
 * @returns {Float32Array} lowResSize * lowResSize, row-major
 */
export function logitsFromMask(mask, frame) {
  const logits = coverage(mask, frame);
  for (let cell = 0; cell < logits.length; cell += 1) logits[cell] = (2 * (logits[cell] ?? 0) - 1) * SURE;
  return logits;
}

/**
 * @param {Float32Array} logits  untouched
 * @param {Frame} frame
 * @param {{add: MaskRaster | null, remove: MaskRaster | null}} painted
 * @returns {Float32Array} a copy in which painted cells are sure and erased cells are surely not
 */
export function imprint(logits, frame, { add, remove }) {
  const out = logits.slice();
  const added = add && coverage(add, frame);
  const removed = remove && coverage(remove, frame);
  for (let cell = 0; cell < out.length; cell += 1) {
    if (added && (added[cell] ?? 0) > 0.5) out[cell] = Math.max(out[cell] ?? 0, SURE);
    if (removed && (removed[cell] ?? 0) > 0.5) out[cell] = Math.min(out[cell] ?? 0, -SURE);
  }
  return out;
}

/**
 * @param {MaskRaster} mask
 * @param {Frame} frame
 * @returns {Float32Array} per low-res cell, the covered share of the image pixels whose centres lie in it, 0..1
 */
function coverage(mask, frame) {
  const side = frame.lowResSize;
  const columns = cellOfPixel(frame.width, frame.newWidth, frame);
  const rows = cellOfPixel(frame.height, frame.newHeight, frame);
  const covered = new Float32Array(side * side);
  const [left, top, right] = mask.box;
  const [x0, y0, x1, y1] = overlap(mask.box, boxOfFrame(frame));
  const place = placeOf(frame);
  for (let y = y0; y < y1; y += 1) {
    const start = (y - top) * (right - left) - left;
    const line = (rows.cell[y - place.y] ?? 0) * side;
    for (let x = x0; x < x1; x += 1) {
      if (mask.bits[start + x]) covered[line + (columns.cell[x - place.x] ?? 0)] += 1;
    }
  }
  return spread(covered, columns, rows, frame);
}

/**
 * @param {number} length  image pixels on this axis
 * @param {number} newLength  the same side in the model frame
 * @param {Frame} frame
 * @returns {{cell: Int32Array, count: Int32Array}} cell of each pixel; pixels of each cell
 */
function cellOfPixel(length, newLength, frame) {
  const cell = new Int32Array(length);
  const count = new Int32Array(frame.lowResSize);
  const scale = ((newLength / length) * frame.lowResSize) / frame.inputSize;
  for (let pixel = 0; pixel < length; pixel += 1) {
    const at = Math.min(frame.lowResSize - 1, Math.floor((pixel + 0.5) * scale));
    cell[pixel] = at;
    count[at] = (count[at] ?? 0) + 1;
  }
  return { cell, count };
}

/**
 * Turn pixel counts into shares. Where the image is smaller than the low-res grid, a cell without a pixel of
 * its own takes the value of the pixel nearest to its centre.
 *
 * @param {Float32Array} covered
 * @param {{cell: Int32Array, count: Int32Array}} columns
 * @param {{cell: Int32Array, count: Int32Array}} rows
 * @param {Frame} frame
 */
function spread(covered, columns, rows, frame) {
  const side = frame.lowResSize;
  const sourceColumn = nearestFilled(columns, frame.width, frame.newWidth, frame);
  const sourceRow = nearestFilled(rows, frame.height, frame.newHeight, frame);
  const share = new Float32Array(side * side);
  for (let row = 0; row < side; row += 1) {
    const fromRow = sourceRow[row] ?? -1;
    if (fromRow < 0) continue;
    for (let column = 0; column < side; column += 1) {
      const fromColumn = sourceColumn[column] ?? -1;
      if (fromColumn < 0) continue;
      const pixels = (columns.count[fromColumn] ?? 0) * (rows.count[fromRow] ?? 0);
      share[row * side + column] = (covered[fromRow * side + fromColumn] ?? 0) / pixels;
    }
  }
  return share;
}

/**
 * @param {{cell: Int32Array, count: Int32Array}} axis
 * @param {number} length
 * @param {number} newLength
 * @param {Frame} frame
 * @returns {Int32Array} per cell the cell to read from, -1 beyond the image
 */
function nearestFilled(axis, length, newLength, frame) {
  const source = new Int32Array(frame.lowResSize).fill(-1);
  const scale = ((newLength / length) * frame.lowResSize) / frame.inputSize;
  for (let cell = 0; cell < frame.lowResSize; cell += 1) {
    if (cell >= length * scale) break;
    const pixel = Math.min(length - 1, Math.max(0, Math.floor((cell + 0.5) / scale)));
    source[cell] = axis.count[cell] ? cell : (axis.cell[pixel] ?? -1);
  }
  return source;
}
