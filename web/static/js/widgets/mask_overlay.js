// Draws masks over a picture, small: each in its own colour, with the picture showing through.

import { decode } from '../geometry/rle.js';

/** @typedef {import('../api/types.js').StoredMask} StoredMask */

const ALPHA = 140;
const EDGE_ALPHA = 235;
// Told apart with colour blindness too: they differ in lightness as well as in hue.
const COLOURS = [
  [240, 162, 2],
  [10, 134, 181],
  [217, 70, 120],
  [70, 170, 90],
  [125, 90, 200],
  [235, 105, 60],
  [60, 190, 190],
  [180, 170, 40],
];

/**
 * Paints the masks onto `canvas`, whose own size sets the scale; later masks lie on top.
 * @param {HTMLCanvasElement} canvas
 * @param {readonly StoredMask[]} masks
 * @param {{width: number, height: number}} image size in pixels
 */
export function paintMasks(canvas, masks, image) {
  const context = canvas.getContext('2d');
  if (context === null) return;
  const pixels = context.createImageData(canvas.width, canvas.height);
  masks.forEach((mask, place) => paintOne(pixels, decode(mask.rle), image, COLOURS[place % COLOURS.length]));
  context.putImageData(pixels, 0, 0);
}

/**
 * @param {ImageData} pixels
 * @param {import('../geometry/types.js').MaskRaster} raster
 * @param {{width: number, height: number}} image
 * @param {number[]} colour
 */
function paintOne(pixels, raster, image, colour) {
  const isInside = sampler(raster, image, pixels);
  const [left, top, right, bottom] = scaledBox(raster.box, image, pixels);
  for (let y = top; y < bottom; y += 1) {
    for (let x = left; x < right; x += 1) {
      if (!isInside(x, y)) continue;
      const edge = !isInside(x - 1, y) || !isInside(x + 1, y) || !isInside(x, y - 1) || !isInside(x, y + 1);
      pixels.data.set([...colour, edge ? EDGE_ALPHA : ALPHA], (y * pixels.width + x) * 4);
    }
  }
}

/**
 * Whether a pixel of the canvas lies in the mask, by the image pixel at its centre.
 * @param {import('../geometry/types.js').MaskRaster} raster
 * @param {{width: number, height: number}} image
 * @param {{width: number, height: number}} canvas
 * @returns {(x: number, y: number) => boolean}
 */
function sampler(raster, image, canvas) {
  const [x0, y0, x1, y1] = raster.box;
  const width = x1 - x0;
  return (x, y) => {
    const imageX = Math.floor(((x + 0.5) * image.width) / canvas.width);
    const imageY = Math.floor(((y + 0.5) * image.height) / canvas.height);
    if (imageX < x0 || imageX >= x1 || imageY < y0 || imageY >= y1) return false;
    return raster.bits[(imageY - y0) * width + imageX - x0] === 1;
  };
}

/**
 * The box on the canvas, grown to whole pixels and kept inside.
 * @param {ArrayLike<number>} box x0 y0 x1 y1
 * @param {{width: number, height: number}} image
 * @param {{width: number, height: number}} canvas
 * @returns {number[]}
 */
function scaledBox(box, image, canvas) {
  const across = canvas.width / image.width;
  const down = canvas.height / image.height;
  return [
    Math.max(0, Math.floor(box[0] * across)),
    Math.max(0, Math.floor(box[1] * down)),
    Math.min(canvas.width, Math.ceil(box[2] * across)),
    Math.min(canvas.height, Math.ceil(box[3] * down)),
  ];
}
