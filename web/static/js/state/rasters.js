/**
 * Rasters of the masks in the state. The state keeps the small, exact run-length form; the pixels are made on
 * demand, as large as they are looked at, and kept while the budget allows.
 *
 * @typedef {import('./types.js').MaskRaster} MaskRaster
 * @typedef {import('./types.js').Rle} Rle
 * @typedef {{readonly width: number, readonly height: number}} Size
 */
import { emptyMask } from '../geometry/raster.js';
import { decodeReduced, encode } from '../geometry/rle.js';

const BUDGET_BYTES = 256 * 1024 * 1024;

/** Those of one size of pixel. */
class RasterCache {
  #step;
  #budget;
  /** @type {Map<Rle, MaskRaster>} least recently used first */
  #rasters = new Map();
  #bytes = 0;

  /** @param {number} step  image pixels to the side of a pixel */
  constructor(step) {
    this.#step = step;
    this.#budget = BUDGET_BYTES / step ** 2;
  }

  /**
   * @param {Rle} rle
   * @returns {MaskRaster}
   */
  of(rle) {
    const known = this.#rasters.get(rle);
    if (known) {
      this.#rasters.delete(rle);
      this.#rasters.set(rle, known);
      return known;
    }
    const raster = decodeReduced(rle, this.#step);
    this.#keep(rle, raster);
    return raster;
  }

  /**
   * Encode a raster that is at hand, and remember it.
   *
   * @param {MaskRaster} raster
   * @returns {Rle}
   */
  rleOf(raster) {
    const rle = encode(raster);
    this.#keep(rle, raster);
    return rle;
  }

  /**
   * @param {Rle} rle
   * @param {MaskRaster} raster
   */
  #keep(rle, raster) {
    this.#rasters.set(rle, raster);
    this.#bytes += raster.bits.length;
    for (const [oldest, old] of this.#rasters) {
      if (this.#bytes <= this.#budget || oldest === rle) break;
      this.#rasters.delete(oldest);
      this.#bytes -= old.bits.length;
    }
  }
}

const whole = new RasterCache(1);
/** @type {Map<number, RasterCache>} by step */
const caches = new Map([[1, whole]]);

/** @param {Rle} rle */
export const rasterOf = (rle) => whole.of(rle);

/**
 * @param {Rle} rle
 * @param {number} step  image pixels, a power of two
 * @returns {MaskRaster} in pixels of `step` image pixels
 */
export function reducedOf(rle, step) {
  const cache = caches.get(step) ?? new RasterCache(step);
  caches.set(step, cache);
  return cache.of(rle);
}

/** @param {MaskRaster} raster */
export const rleOf = (raster) => whole.rleOf(raster);

/**
 * @param {Size} size
 * @returns {MaskRaster}
 */
export const emptyRaster = ({ width, height }) => emptyMask(width, height);

/** @param {MaskRaster} raster */
export const isEmpty = (raster) => raster.box[2] <= raster.box[0] || raster.box[3] <= raster.box[1];
