/** A map that keeps the entries used last. */

/** @template Value */
export class Recent {
  #limit;
  /** @type {Map<string, Value>} */
  #entries = new Map();

  /** @param {number} limit */
  constructor(limit) {
    this.#limit = limit;
  }

  /**
   * @param {string} key
   * @returns {Value | undefined}
   */
  get(key) {
    const value = this.#entries.get(key);
    if (value !== undefined) this.set(key, value);
    return value;
  }

  /**
   * @param {string} key
   * @param {Value} value
   * @returns {Value | undefined} the entry that had to go
   */
  set(key, value) {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size <= this.#limit) return undefined;
    const [[oldest, dropped]] = this.#entries;
    this.#entries.delete(oldest);
    return dropped;
  }

  /** @param {string} key */
  delete(key) {
    this.#entries.delete(key);
  }
}
