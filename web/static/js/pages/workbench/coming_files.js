/**
 * Files of the images that come next, compressed as they were sent: a decoded picture is ten to thirty times as large,
 * and most people look at one image at a time.
 *
 * @typedef {import('./pictures.js').ReadFile} ReadFile
 */

const BUDGET_BYTES = 128 * 2 ** 20;

export class ComingFiles {
  #read;
  #budget;
  /** @type {Map<string, {files: Map<string, Promise<Blob>>, bytes: number}>} by image, nearest first */
  #images = new Map();
  /** Counts what was asked for: an older wish is given up for a newer one. */
  #wishes = 0;

  /**
   * @param {ReadFile} read
   * @param {number} [budgetBytes]  more is not fetched ahead; what one image needs may go beyond
   */
  constructor(read, budgetBytes = BUDGET_BYTES) {
    this.#read = read;
    this.#budget = budgetBytes;
  }

  /** @returns {number} held for coming images */
  get bytes() {
    return [...this.#images.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /**
   * Fetch the files of these images, one image after the other, as long as there is room, and let go of all others.
   *
   * @param {readonly {id: string, urls: readonly string[]}[]} coming  nearest first
   */
  async fetch(coming) {
    const wish = (this.#wishes += 1);
    const ids = new Set(coming.map(({ id }) => id));
    for (const id of this.#images.keys()) if (!ids.has(id)) this.#images.delete(id);
    for (const { id, urls } of coming) {
      if (this.bytes >= this.#budget || wish !== this.#wishes) return;
      if (!this.#images.has(id)) await this.#fetchOne(id, urls);
    }
  }

  /**
   * @param {string} id
   * @param {readonly string[]} urls
   */
  async #fetchOne(id, urls) {
    const image = { files: new Map(urls.map((url) => [url, this.#read(url)])), bytes: 0 };
    this.#images.set(id, image);
    try {
      for (const blob of await Promise.all(image.files.values())) image.bytes += blob.size;
    } catch {
      this.#images.delete(id); // it is fetched when it is opened, and then a failure is told
    }
  }

  /**
   * The files of an image that is opened now; they are not kept any longer.
   *
   * @param {string} id
   * @returns {ReadFile}
   */
  take(id) {
    const files = this.#images.get(id)?.files;
    this.#images.delete(id);
    return async (url) => {
      const known = files?.get(url);
      return known ? known.catch(() => this.#read(url)) : this.#read(url);
    };
  }
}
