/**
 * The outline of a mask along its pixel edges, as closed loops.
 *
 * @typedef {import('./types.js').MaskRaster} MaskRaster
 */

/** Directions along pixel edges: right, down, left, up. */
const STEP_X = [1, 0, -1, 0];
const STEP_Y = [0, 1, 0, -1];

/**
 * Walk every edge between a set and an unset pixel once, the mask on the right hand. Where two set pixels
 * touch at a corner only, the loops stay apart.
 *
 * @param {MaskRaster} mask
 * @returns {Int32Array[]} loops of corners x, y, x, y ... in image pixels; the last joins the first
 */
export function traceLoops(mask) {
  const [x0, y0, x1, y1] = mask.box;
  const columns = x1 - x0;
  const rows = y1 - y0;
  const isSet = (/** @type {number} */ x, /** @type {number} */ y) =>
    x >= 0 && y >= 0 && x < columns && y < rows && mask.bits[y * columns + x] === 1;
  /** Top edges already walked, one bit for each pixel. */
  const walked = new Uint8Array(columns * rows);
  /** @type {Int32Array[]} */
  const loops = [];
  for (let y = 0; y < rows; y += 1) {
    for (let x = 0; x < columns; x += 1) {
      if (walked[y * columns + x] || !isSet(x, y) || isSet(x, y - 1)) continue;
      loops.push(walk(x, y));
    }
  }
  return loops;

  /**
   * @param {number} startX
   * @param {number} startY  a pixel whose top edge is on the outline
   */
  function walk(startX, startY) {
    /** @type {number[]} */
    const corners = [];
    let x = startX;
    let y = startY;
    let direction = 0;
    do {
      if (direction === 0) walked[y * columns + x] = 1;
      x += STEP_X[direction];
      y += STEP_Y[direction];
      const turn = nextTurn(x, y, direction);
      if (turn) corners.push(x + x0, y + y0);
      direction = (direction + turn + 4) % 4;
    } while (x !== startX || y !== startY || direction !== 0);
    return Int32Array.from(corners);
  }

  /**
   * @param {number} x  corner reached
   * @param {number} y
   * @param {number} direction
   * @returns {-1 | 0 | 1} turn left, go on, turn right
   */
  function nextTurn(x, y, direction) {
    const [rightAhead, leftAhead] = pixelsAhead(x, y, direction);
    if (!isSet(rightAhead[0], rightAhead[1])) return 1;
    return isSet(leftAhead[0], leftAhead[1]) ? -1 : 0;
  }
}

/**
 * The two pixels ahead of a corner: on the right hand and on the left hand.
 *
 * @param {number} x
 * @param {number} y
 * @param {number} direction
 * @returns {[[number, number], [number, number]]}
 */
function pixelsAhead(x, y, direction) {
  if (direction === 0) return [[x, y], [x, y - 1]];
  if (direction === 1) return [[x - 1, y], [x, y]];
  if (direction === 2) return [[x - 1, y - 1], [x - 1, y]];
  return [[x, y - 1], [x - 1, y - 1]];
}

/**
 * Corners nearer than `tolerance` to the last one kept are left out: fewer lines when zoomed out.
 *
 * @param {readonly Int32Array[]} loops
 * @param {number} tolerance  image pixels; 0 keeps the exact pixel edges
 * @returns {number[][]}
 */
export function thinned(loops, tolerance) {
  return loops.map((loop) => thinLoop(loop, tolerance)).filter((loop) => loop.length >= 6 || tolerance === 0);
}

/**
 * @param {Int32Array} loop
 * @param {number} tolerance
 * @returns {number[]}
 */
function thinLoop(loop, tolerance) {
  if (tolerance === 0) return Array.from(loop);
  const kept = [loop[0], loop[1]];
  for (let i = 2; i < loop.length; i += 2) {
    const dx = Math.abs(loop[i] - kept[kept.length - 2]);
    const dy = Math.abs(loop[i + 1] - kept[kept.length - 1]);
    if (dx + dy >= tolerance) kept.push(loop[i], loop[i + 1]);
  }
  return kept;
}
