/** Where the value of a mask changes going down its columns: what column-major run lengths are made of. */

/** @typedef {import('./types.js').MaskRaster} MaskRaster */

/**
 * Column-major positions at which the value changes, in order (ones begin at even indices). Only the edge of the mask
 * is walked: whoever paints or clicks on a large image waits for it.
 *
 * @param {MaskRaster} mask
 * @returns {Float64Array}
 */
export function runStarts(mask) {
  const [x0, y0, x1] = mask.box;
  const changes = changesByRow(mask);
  const { firsts, total } = firstsOf(changes, x1 - x0);
  const places = new Float64Array(total);
  for (let i = 0; i < changes.length; i += 3) {
    const y = y0 + changes[i];
    for (let x = changes[i + 1]; x < changes[i + 2]; x++) places[firsts[x]++] = (x0 + x) * mask.height + y;
  }
  return withoutMeetingRuns(places);
}

/**
 * Each row beside the one above it; the last one stands below the mask.
 *
 * @param {MaskRaster} mask
 * @returns {Int32Array} row, from, to; row, from, to ... in pixels of the box: columns `from` to `to` (outside) have
 *   another value than one row higher
 */
function changesByRow({ box, bits }) {
  const w = box[2] - box[0];
  const h = box[3] - box[1];
  const changes = new Growing();
  let above = { ends: new Int32Array(w + 1), count: 0 };
  let here = { ends: new Int32Array(w + 1), count: 0 };
  for (let y = 0; y <= h; y++) {
    here.count = y < h ? spanEnds(bits.subarray(y * w, (y + 1) * w), here.ends) : 0;
    addDifferences(changes, y, above, here);
    [above, here] = [here, above];
  }
  return changes.values;
}

/**
 * @param {Uint8Array} row
 * @param {Int32Array} ends from, to, from, to ... of the spans of ones
 * @returns {number} how many
 */
function spanEnds(row, ends) {
  let count = 0;
  for (let from = row.indexOf(1); from >= 0; ) {
    const to = row.indexOf(0, from);
    ends[count++] = from;
    ends[count++] = to < 0 ? row.length : to;
    from = to < 0 ? -1 : row.indexOf(1, to);
  }
  return count;
}

/**
 * An end that both rows have changes nothing; between the others, taken in pairs, the rows differ.
 *
 * @param {Growing} changes
 * @param {number} y
 * @param {{ends: Int32Array, count: number}} above
 * @param {{ends: Int32Array, count: number}} here
 */
function addDifferences(changes, y, above, here) {
  let from = -1;
  for (let i = 0, j = 0; i < above.count || j < here.count; ) {
    const a = i < above.count ? above.ends[i] : Infinity;
    const b = j < here.count ? here.ends[j] : Infinity;
    if (a <= b) i += 1;
    if (b <= a) j += 1;
    if (a === b) continue;
    if (from >= 0) changes.add(y, from, Math.min(a, b));
    from = from < 0 ? Math.min(a, b) : -1;
  }
}

/**
 * Where the changes of each column begin in the list of all changes.
 *
 * @param {Int32Array} changes
 * @param {number} w
 * @returns {{firsts: Uint32Array, total: number}}
 */
function firstsOf(changes, w) {
  const steps = new Int32Array(w + 1);
  for (let i = 0; i < changes.length; i += 3) {
    steps[changes[i + 1]] += 1;
    steps[changes[i + 2]] -= 1;
  }
  const firsts = new Uint32Array(w);
  let total = 0;
  for (let x = 0, inColumn = 0; x < w; x++) {
    firsts[x] = total;
    inColumn += steps[x];
    total += inColumn;
  }
  return { firsts, total };
}

/**
 * A run that ends at the foot of a column and one that begins at the head of the next are one.
 *
 * @param {Float64Array} places
 * @returns {Float64Array}
 */
function withoutMeetingRuns(places) {
  let kept = 0;
  for (let i = 0; i < places.length; i++) {
    if (i + 1 < places.length && places[i] === places[i + 1]) i += 1;
    else places[kept++] = places[i];
  }
  return places.subarray(0, kept);
}

/** Whole numbers, three at a time. */
class Growing {
  #values = new Int32Array(3072);
  #used = 0;

  /**
   * @param {number} a
   * @param {number} b
   * @param {number} c
   */
  add(a, b, c) {
    if (this.#used === this.#values.length) {
      const values = new Int32Array(2 * this.#used);
      values.set(this.#values);
      this.#values = values;
    }
    this.#values[this.#used++] = a;
    this.#values[this.#used++] = b;
    this.#values[this.#used++] = c;
  }

  get values() {
    return this.#values.subarray(0, this.#used);
  }
}
