// What is known of a long list of images: read page by page, in whatever order it is looked at.

/** @typedef {import('../api/types.js').ImageFacts} ImageFacts */
/** @typedef {{images: ImageFacts[], total: number}} ImagePage */

/** Whole rows of the grid, which has one to six columns. */
export const PAGE_SIZE = 60;

/** Pages are read one at a time, always that one next that is nearest to what is looked at. */
export class ImagePages {
  #read;
  #onPage;
  #onFault;
  /** @type {Map<number, ImageFacts[]>} */
  #pages = new Map();
  /** @type {Set<number>} pages that are as they were when the list last changed */
  #fresh = new Set();
  /** @type {Map<number, Promise<void>>} */
  #reading = new Map();
  #wanted = { from: 0, to: 1 };
  #list = 0;
  #isFilling = false;
  #total = 1; // until it is known

  /**
   * @param {object} options
   * @param {(offset: number, limit: number) => Promise<ImagePage>} options.read
   * @param {(first: number, images: ImageFacts[], total: number) => void} options.onPage  place of the page's first image
   * @param {(fault: unknown) => void} options.onFault  what is missing is read when it is asked for again
   */
  constructor({ read, onPage, onFault }) {
    this.#read = read;
    this.#onPage = onPage;
    this.#onFault = onFault;
  }

  /** @returns {number} images of the list; 1 before it is known */
  get total() {
    return this.#total;
  }

  /** @param {number} place @returns {ImageFacts | undefined} */
  at(place) {
    return this.#pages.get(pageOf(place))?.[place % PAGE_SIZE];
  }

  /** It is another list from now on. */
  restart() {
    this.#list += 1;
    this.#pages.clear();
    this.#fresh.clear();
    this.#reading.clear();
    this.#total = 1;
    this.want(0, 1);
  }

  /** Something changed: what is known counts until it is read again. */
  expire() {
    this.#fresh.clear();
    void this.#fill();
  }

  /** @param {number} from @param {number} to  places that somebody looks at; `to` is outside */
  want(from, to) {
    this.#wanted = { from: Math.max(0, from), to };
    void this.#fill();
  }

  /**
   * Reads what is missing.
   * @param {number} from @param {number} to  outside
   * @returns {Promise<ImageFacts[]>} none when it became another list meanwhile; rejects when it cannot be read
   */
  async between(from, to) {
    const list = this.#list;
    for (let page = pageOf(from); page * PAGE_SIZE < Math.min(to, this.#total); page += 1) {
      if (!this.#fresh.has(page) || this.#reading.has(page)) await this.#readPage(page);
      if (list !== this.#list) return [];
    }
    const places = Array.from({ length: Math.max(0, Math.min(to, this.#total) - from) }, (_, i) => from + i);
    return places.map((place) => this.at(place)).filter((image) => image !== undefined);
  }

  async #fill() {
    if (this.#isFilling) return;
    this.#isFilling = true;
    try {
      for (let page = this.#next(); page !== null; page = this.#next()) await this.#readPage(page);
    } catch (fault) {
      this.#onFault(fault);
    } finally {
      this.#isFilling = false;
    }
  }

  /** @returns {number | null} the page that is wanted most; the first one of an empty list too: it may have filled */
  #next() {
    const end = Math.max(1, Math.min(this.#wanted.to, this.#total));
    const from = Math.min(this.#wanted.from, end - 1);
    const middle = (from + end) / 2 / PAGE_SIZE;
    const missing = [];
    for (let page = pageOf(from); page * PAGE_SIZE < end; page += 1) if (!this.#fresh.has(page)) missing.push(page);
    missing.sort((a, b) => Math.abs(a + 0.5 - middle) - Math.abs(b + 0.5 - middle));
    return missing[0] ?? null;
  }

  /** @param {number} page @returns {Promise<void>} */
  #readPage(page) {
    const known = this.#reading.get(page);
    if (known) return known;
    const reading = this.#readNow(page, this.#list).finally(() => {
      if (this.#reading.get(page) === reading) this.#reading.delete(page);
    });
    this.#reading.set(page, reading);
    return reading;
  }

  /** @param {number} page @param {number} list */
  async #readNow(page, list) {
    this.#fresh.add(page); // a change while it is read makes it old again
    try {
      const { images, total } = await this.#read(page * PAGE_SIZE, PAGE_SIZE);
      if (list !== this.#list) return;
      this.#pages.set(page, images);
      this.#total = total;
      this.#onPage(page * PAGE_SIZE, images, total);
    } catch (fault) {
      if (list !== this.#list) return;
      this.#fresh.delete(page);
      throw fault;
    }
  }
}

/** @param {number} place */
function pageOf(place) {
  return Math.floor(place / PAGE_SIZE);
}
