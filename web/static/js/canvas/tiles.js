/**
 * The pixels of a large picture, square by square: only what is on the stage, only as fine as it is shown.
 *
 * @typedef {import('./viewport.js').Viewport} Viewport
 * @typedef {import('../geometry/types.js').Box} Box
 * @typedef {{level: number, width: number, height: number}} Level
 * @typedef {{level: number, column: number, row: number}} Place
 */
import { visibleBox } from './viewport.js';

const MOST_KEPT = 160;
const MOST_AT_ONCE = 6;

/** Event: `tile`, when a square has arrived. */
export class Tiles extends EventTarget {
  #size;
  #side;
  /** @type {readonly Level[]} finest first */
  #levels;
  #load;
  /** @type {Map<string, ImageBitmap | null>} least recently drawn first; null while it is on its way */
  #kept = new Map();
  #loading = 0;
  #isClosed = false;

  /**
   * @param {object} options
   * @param {{width: number, height: number}} options.size  of the picture
   * @param {number} options.side  pixels of a full square
   * @param {readonly Level[]} options.levels
   * @param {(place: Place) => Promise<ImageBitmap>} options.load
   */
  constructor({ size, side, levels, load }) {
    super();
    this.#size = size;
    this.#side = side;
    this.#levels = [...levels].sort((a, b) => b.width - a.width);
    this.#load = load;
  }

  /**
   * Draw what has arrived and ask for what is missing.
   *
   * @param {CanvasRenderingContext2D} context  in image pixels
   * @param {Viewport} view
   */
  draw(context, view) {
    const level = this.#levelFor(view.scale * view.ratio);
    if (!level) return;
    for (const place of this.#visible(level, view)) {
      const tile = this.#tile(place);
      if (!tile) continue;
      const [x0, y0, x1, y1] = this.#boxOf(level, place);
      context.drawImage(tile, x0, y0, x1 - x0, y1 - y0);
    }
  }

  /**
   * @param {number} scale  device pixels per image pixel
   * @returns {Level | undefined} the coarsest that still has a pixel for every device pixel
   */
  #levelFor(scale) {
    const wanted = this.#size.width * Math.min(1, scale);
    return this.#levels.findLast((level) => level.width >= wanted) ?? this.#levels[0];
  }

  /**
   * @param {Level} level
   * @param {Viewport} view
   * @returns {Place[]}
   */
  #visible(level, view) {
    const span = (this.#side * this.#size.width) / level.width;
    const [x0, y0, x1, y1] = visibleBox(view);
    const lastColumn = Math.ceil(level.width / this.#side) - 1;
    const lastRow = Math.ceil(level.height / this.#side) - 1;
    /** @type {Place[]} */
    const places = [];
    for (let row = Math.max(0, Math.floor(y0 / span)); row <= Math.min(lastRow, Math.floor(y1 / span)); row += 1) {
      for (let column = Math.max(0, Math.floor(x0 / span)); column <= Math.min(lastColumn, Math.floor(x1 / span)); column += 1) {
        places.push({ level: level.level, column, row });
      }
    }
    return places;
  }

  /**
   * @param {Level} level
   * @param {Place} place
   * @returns {Box} image pixels
   */
  #boxOf(level, { column, row }) {
    const across = this.#size.width / level.width;
    const down = this.#size.height / level.height;
    const right = Math.min(level.width, (column + 1) * this.#side);
    const bottom = Math.min(level.height, (row + 1) * this.#side);
    return [column * this.#side * across, row * this.#side * down, right * across, bottom * down];
  }

  /**
   * @param {Place} place
   * @returns {ImageBitmap | null}
   */
  #tile(place) {
    const key = `${place.level}/${place.column}/${place.row}`;
    const known = this.#kept.get(key);
    if (known) {
      this.#kept.delete(key);
      this.#kept.set(key, known);
    }
    if (known === undefined && this.#loading < MOST_AT_ONCE) void this.#fetch(key, place);
    return known ?? null;
  }

  /**
   * A square that fails is asked for again when the stage is drawn next; the coarse picture stays below it.
   *
   * @param {string} key
   * @param {Place} place
   */
  async #fetch(key, place) {
    this.#kept.set(key, null);
    this.#loading += 1;
    try {
      const tile = await this.#load(place);
      if (this.#isClosed) return tile.close();
      this.#kept.set(key, tile);
      this.#forgetOldest();
    } catch {
      this.#kept.delete(key);
      return;
    } finally {
      this.#loading -= 1;
    }
    this.dispatchEvent(new Event('tile'));
  }

  /** The squares are let go of; what is still on its way is not kept. */
  close() {
    this.#isClosed = true;
    for (const tile of this.#kept.values()) tile?.close();
    this.#kept.clear();
  }

  #forgetOldest() {
    for (const [key, tile] of this.#kept) {
      if (this.#kept.size <= MOST_KEPT) return;
      if (!tile) continue;
      tile.close();
      this.#kept.delete(key);
    }
  }
}
