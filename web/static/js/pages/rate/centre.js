// The point of a mask that lies deepest inside: what the paper's raters were shown as the prompt.

/** @typedef {import('../../geometry/types.js').MaskRaster} MaskRaster */

/**
 * The pixel with the most steps, up, down, left or right, to what is outside; the first one of several.
 * @param {MaskRaster} raster of at least one pixel
 * @returns {[number, number]} x, y in image pixels
 */
export function centreOf({ box: [x0, y0, x1, y1], bits }) {
  const width = x1 - x0;
  const height = y1 - y0;
  const steps = new Int32Array(width * height);
  const at = (/** @type {number} */ x, /** @type {number} */ y) => (x < 0 || y < 0 || x >= width || y >= height ? 0 : steps[y * width + x]);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      if (bits[y * width + x]) steps[y * width + x] = 1 + Math.min(at(x - 1, y), at(x, y - 1));
    }
  }
  let deepest = 0;
  for (let y = height - 1; y >= 0; y -= 1) {
    for (let x = width - 1; x >= 0; x -= 1) {
      const place = y * width + x;
      if (!bits[place]) continue;
      steps[place] = Math.min(steps[place], 1 + Math.min(at(x + 1, y), at(x, y + 1)));
      if (steps[place] >= steps[deepest]) deepest = place;
    }
  }
  return [x0 + (deepest % width), y0 + Math.floor(deepest / width)];
}
