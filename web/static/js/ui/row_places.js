/** Where the rows of a long list stand, whatever their heights: no row has to be in the page to know it. */

export class RowPlaces {
  #guess;
  /** @type {Map<string, number>} CSS pixels, of rows that have been measured */
  #heights = new Map();
  /** @type {readonly string[]} */
  #keys = [];
  /** @type {Map<string, number>} place in the list */
  #indices = new Map();
  /** @type {Float64Array} top of each row, and the foot of the last */
  #tops = new Float64Array(1);

  /** @param {number} guess  CSS pixels, of a row that nobody has measured */
  constructor(guess) {
    this.#guess = guess;
  }

  /** @param {readonly string[]} keys  of all rows, in order */
  set keys(keys) {
    this.#keys = keys;
    this.#indices = new Map(keys.map((key, index) => [key, index]));
    for (const key of this.#heights.keys()) if (!this.#indices.has(key)) this.#heights.delete(key);
    this.#stack();
  }

  /** @returns {readonly string[]} */
  get keys() {
    return this.#keys;
  }

  /** @returns {number} of all rows */
  get height() {
    return this.#tops[this.#keys.length];
  }

  /**
   * @param {string} key
   * @returns {number} -1 when there is no such row
   */
  indexOf(key) {
    return this.#indices.get(key) ?? -1;
  }

  /** @param {number} index */
  topOf(index) {
    return this.#tops[index];
  }

  /**
   * @param {ReadonlyMap<string, number>} heights  measured, CSS pixels
   * @returns {boolean} whether anything stands elsewhere now
   */
  measured(heights) {
    let moved = false;
    for (const [key, height] of heights) {
      moved ||= (this.#heights.get(key) ?? this.#guess) !== height;
      this.#heights.set(key, height);
    }
    if (moved) this.#stack();
    return moved;
  }

  /**
   * @param {number} top
   * @param {number} foot
   * @returns {{from: number, to: number}} the rows that any pixel between top and foot belongs to; `to` is outside
   */
  between(top, foot) {
    const from = this.#rowAt(top);
    let to = from;
    while (to < this.#keys.length && this.#tops[to] < foot) to += 1;
    return { from, to };
  }

  /**
   * @param {number} place
   * @returns {number}
   */
  #rowAt(place) {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#tops[middle + 1] <= place) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #stack() {
    this.#tops = new Float64Array(this.#keys.length + 1);
    this.#keys.forEach((key, i) => {
      this.#tops[i + 1] = this.#tops[i] + (this.#heights.get(key) ?? this.#guess);
    });
  }
}
