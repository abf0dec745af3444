/** Masks made of spans. */

/** @typedef {import('./types.js').MaskRaster} MaskRaster */

/** Spans of set pixels, row by row, until the box is known and bits can be made. */
export class Spans {
  #width;
  #height;
  /** First span of each row; one more entry after the last row begun. */
  #rowStarts;
  #ends = new Int32Array(4096);
  #used = 0;
  #row = -1;

  /**
   * @param {number} width
   * @param {number} height
   */
  constructor(width, height) {
    this.#width = width;
    this.#height = height;
    this.#rowStarts = new Int32Array(height + 1);
  }

  /** @param {number} y one after the other, from 0 */
  beginRow(y) {
    this.#row = y;
    this.#rowStarts[y] = this.#used;
  }

  /**
   * @param {number} from
   * @param {number} to half-open; joins the span before it when they meet
   */
  add(from, to) {
    if (from >= to) return;
    if (this.#used > this.#rowStarts[this.#row] && this.#ends[this.#used - 1] === from) {
      this.#ends[this.#used - 1] = to;
      return;
    }
    if (this.#used === this.#ends.length) this.#grow();
    this.#ends[this.#used++] = from;
    this.#ends[this.#used++] = to;
  }

  /** @returns {MaskRaster} */
  toRaster() {
    this.#rowStarts[this.#height] = this.#used;
    const box = this.#box();
    const [x0, y0, x1, y1] = box;
    const bits = new Uint8Array((x1 - x0) * (y1 - y0));
    for (let y = y0; y < y1; y++) {
      const base = (y - y0) * (x1 - x0) - x0;
      for (let i = this.#rowStarts[y]; i < this.#rowStarts[y + 1]; i += 2) {
        bits.fill(1, base + this.#ends[i], base + this.#ends[i + 1]);
      }
    }
    return { width: this.#width, height: this.#height, box, bits };
  }

  /** @returns {import('./types.js').Box} */
  #box() {
    let [x0, y0, x1, y1] = [this.#width, -1, 0, 0];
    for (let y = 0; y < this.#height; y++) {
      const first = this.#rowStarts[y];
      const end = this.#rowStarts[y + 1];
      if (first === end) continue;
      if (y0 < 0) y0 = y;
      y1 = y + 1;
      x0 = Math.min(x0, this.#ends[first]);
      x1 = Math.max(x1, this.#ends[end - 1]);
    }
    return y0 < 0 ? [0, 0, 0, 0] : [x0, y0, x1, y1];
  }

  #grow() {
    const ends = new Int32Array(2 * this.#ends.length);
    ends.set(this.#ends);
    this.#ends = ends;
  }
}
