/**
 * Rasters of the masks in the state. The state keeps the small, exact run-length form; the pixels are made on
 * demand and kept while the budget allows.
 *
 * @typedef {import('./types.js').MaskRaster} MaskRaster
 * @typedef {import('./types.js').Rle} Rle
 */
import { decode, encode } from '../geometry/rle.js';

const BUDGET_BYTES = 256 * 1024 * 1024;

class RasterCache {
  /** @type {Map<Rle, MaskRaster>} least recently used first */
  #rasters = new Map();
  #bytes = 0;

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
    const raster = decode(rle);
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
      if (this.#bytes <= BUDGET_BYTES || oldest === rle) break;
      this.#rasters.delete(oldest);
      this.#bytes -= old.bits.length;
    }
  }
}

const cache = new RasterCache();

/** @param {Rle} rle */
export const rasterOf = (rle) => cache.of(rle);

/** @param {MaskRaster} raster */
export const rleOf = (raster) => cache.rleOf(raster);
