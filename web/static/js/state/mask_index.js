/**
 * Which masks may lie under a place: a uniform grid over the image, made once for each list of masks.
 *
 * @typedef {import('./types.js').Mask} Mask
 */

/** Cells along the longer side of the image. */
const CELLS = 64;
/** A mask that meets more cells than this stands in a list of its own: it is nearly everywhere. */
const MOST_CELLS = 256;

class MaskIndex {
  #side;
  #columns;
  /** @type {Map<number, Mask[]>} by cell; each list smallest first */
  #cells = new Map();
  /** @type {Mask[]} smallest first */
  #wide = [];

  /** @param {readonly Mask[]} masks  of one image */
  constructor(masks) {
    const [height, width] = masks[0]?.rle.size ?? [1, 1];
    this.#side = Math.max(1, Math.ceil(Math.max(width, height) / CELLS));
    this.#columns = Math.ceil(width / this.#side);
    for (const mask of [...masks].sort((a, b) => a.area - b.area)) this.#add(mask);
  }

  /** @param {Mask} mask */
  #add(mask) {
    const [left, top, right, foot] = mask.box.map((at) => at / this.#side);
    const [x0, y0, x1, y1] = [Math.floor(left), Math.floor(top), Math.ceil(right), Math.ceil(foot)];
    if ((x1 - x0) * (y1 - y0) > MOST_CELLS) return void this.#wide.push(mask);
    for (let y = y0; y < y1; y += 1) {
      for (let x = x0; x < x1; x += 1) {
        const cell = y * this.#columns + x;
        const there = this.#cells.get(cell);
        if (there) there.push(mask);
        else this.#cells.set(cell, [mask]);
      }
    }
  }

  /**
   * @param {number} column
   * @param {number} row
   * @param {(mask: Mask) => boolean} accepts
   * @returns {Mask | null} the smallest one that is accepted, of equals the first of the list
   */
  smallestAt(column, row, accepts) {
    const cell = Math.floor(row / this.#side) * this.#columns + Math.floor(column / this.#side);
    const near = this.#cells.get(cell)?.find(accepts) ?? null;
    const wide = this.#wide.find((mask) => (!near || mask.area < near.area) && accepts(mask)) ?? null;
    return wide ?? near;
  }
}

/** @type {WeakMap<readonly Mask[], MaskIndex>} */
const made = new WeakMap();

/**
 * @param {readonly Mask[]} masks
 * @returns {MaskIndex}
 */
export function indexOf(masks) {
  const index = made.get(masks) ?? new MaskIndex(masks);
  made.set(masks, index);
  return index;
}
