/** A preview as a picture of screen pixels: painted in the worker, so that the page only has to show it. */

import { maskPicture } from '../drawing/mask_picture.js';
import { outlinePath } from '../drawing/outline_path.js';

/** @typedef {import('../geometry/types.js').Box} Box */
/** @typedef {import('../geometry/types.js').MaskRaster} MaskRaster */
/** @typedef {import('../geometry/logits.js').Part} Part */

/**
 * @typedef {object} Look
 * @property {readonly [red: number, green: number, blue: number]} color 0 to 255
 * @property {number} fill opacity, 0 to 1
 * @property {number} line opacity of the outline
 * @property {number} linePx its width, device pixels
 * @property {number} zoom device pixels per pixel of the part, at least 1
 * @property {number} ratio device pixels per CSS pixel
 */

/** @typedef {{picture: ImageBitmap, box: Box}} PreviewPicture `box`: where it lies in the image, fractions allowed */

/**
 * @param {MaskRaster} mask in pixels of the part
 * @param {Part} part
 * @param {Look} look
 * @returns {PreviewPicture | null} null when nothing of the mask is in the part
 */
export function previewPicture(mask, part, { color, fill, line, linePx, zoom, ratio }) {
  const [x0, y0, x1, y1] = mask.box;
  if (x0 >= x1) return null;
  const edge = Math.ceil(linePx / zoom);
  const seen = /** @type {const} */ ([x0 - edge, y0 - edge, x1 + edge, y1 + edge]);
  const canvas = new OffscreenCanvas(Math.ceil((seen[2] - seen[0]) * zoom), Math.ceil((seen[3] - seen[1]) * zoom));
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext('2d'));
  context.scale(zoom, zoom);
  context.translate(-seen[0], -seen[1]);
  context.imageSmoothingEnabled = zoom < 3;
  context.globalAlpha = fill;
  context.drawImage(maskPicture(mask, color), x0, y0);
  context.globalAlpha = line;
  context.strokeStyle = `rgb(${color.join(' ')})`;
  context.lineWidth = linePx / zoom;
  context.lineJoin = 'round';
  context.stroke(outlinePath({ mask, step: 1 }, zoom / ratio));
  return { picture: canvas.transferToImageBitmap(), box: boxOf(part, [seen[0], seen[1], seen[0] + canvas.width / zoom, seen[1] + canvas.height / zoom]) };
}

/**
 * @param {Part} part
 * @param {Box} seen pixels of the part
 * @returns {Box} of the image
 */
function boxOf({ box, columns, rows }, seen) {
  const across = (box[2] - box[0]) / columns;
  const down = (box[3] - box[1]) / rows;
  return [box[0] + seen[0] * across, box[1] + seen[1] * down, box[0] + seen[2] * across, box[1] + seen[3] * down];
}
