/** A mask through larger pixels: what is left of it when it is looked at from afar. */

/** @typedef {import('./types.js').MaskRaster} MaskRaster */

/**
 * A large pixel is set when any pixel in it is: a thin mask stays whole.
 *
 * @param {MaskRaster} mask
 * @param {number} step side of a large pixel, a whole number
 * @returns {MaskRaster} in large pixels; the last ones may reach over the image's edge
 */
export function reduced(mask, step) {
  const [x0, y0, x1, y1] = mask.box;
  const width = Math.ceil(mask.width / step);
  const height = Math.ceil(mask.height / step);
  if (x0 >= x1 || y0 >= y1) return { ...mask, width, height };
  const [left, top, right, foot] = [Math.floor(x0 / step), Math.floor(y0 / step), Math.ceil(x1 / step), Math.ceil(y1 / step)];
  const bits = new Uint8Array((right - left) * (foot - top));
  for (let y = y0; y < y1; y++) {
    const base = (y - y0) * (x1 - x0);
    const row = mask.bits.subarray(base, base + x1 - x0);
    const to = (Math.floor(y / step) - top) * (right - left) - left;
    for (let start = row.indexOf(1); start >= 0; ) {
      const zero = row.indexOf(0, start);
      const end = zero < 0 ? row.length : zero;
      bits.fill(1, to + Math.floor((x0 + start) / step), to + Math.floor((x0 + end - 1) / step) + 1);
      start = zero < 0 ? -1 : row.indexOf(1, zero);
    }
  }
  return { width, height, box: [left, top, right, foot], bits };
}
