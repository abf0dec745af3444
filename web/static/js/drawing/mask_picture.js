/**
 * A mask as a picture: a pixel for each of its own, cropped to its box, one opaque colour; transparency is chosen
 * when it is drawn.
 *
 * @typedef {import('../geometry/types.js').MaskRaster} MaskRaster
 * @typedef {readonly [number, number, number]} Rgb
 */

/** @type {WeakMap<MaskRaster, Map<number, OffscreenCanvas>>} */
const pictures = new WeakMap();

/**
 * @param {MaskRaster} mask  not empty
 * @param {Rgb} color  0 to 255
 * @returns {OffscreenCanvas} box size
 */
export function maskPicture(mask, color) {
  const packed = packedColor(color);
  const known = pictures.get(mask) ?? new Map();
  pictures.set(mask, known);
  const picture = known.get(packed) ?? painted(mask, packed);
  known.set(packed, picture);
  return picture;
}

/**
 * @param {Rgb} color
 * @returns {number} the four bytes R, G, B, A as this machine lays them out
 */
function packedColor([red, green, blue]) {
  return new Uint32Array(Uint8Array.of(red, green, blue, 255).buffer)[0];
}

/**
 * @param {MaskRaster} mask
 * @param {number} packed
 */
function painted(mask, packed) {
  const [x0, y0, x1, y1] = mask.box;
  const picture = new OffscreenCanvas(x1 - x0, y1 - y0);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (picture.getContext('2d'));
  const pixels = context.createImageData(x1 - x0, y1 - y0);
  const words = new Uint32Array(pixels.data.buffer);
  for (let i = 0; i < words.length; i += 1) words[i] = mask.bits[i] ? packed : 0;
  context.putImageData(pixels, 0, 0);
  return picture;
}
