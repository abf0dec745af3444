// The five views of the paper's rating study: the picture, the mask over it, the mask alone, and two of them near.

import { centreOf } from './centre.js';

/** @typedef {import('../../geometry/types.js').MaskRaster} MaskRaster */
/** @typedef {{image: CanvasImageSource, raster: MaskRaster}} Shown */
/** @typedef {{name: string, near: boolean, picture: boolean, mask: number[] | null}} View */

const RED = [230, 30, 40, 140];
const YELLOW = [253, 231, 37, 255];
const PURPLE = '#440154';
const BLUE = '#1f6fe0';
const MARGIN = 0.25; // of the object's longer side, around what is near
const LEAST_MARGIN_PX = 8;

/** @type {readonly View[]} */
export const VIEWS = [
  { name: 'Picture', near: false, picture: true, mask: null },
  { name: 'Mask over it', near: false, picture: true, mask: RED },
  { name: 'Mask alone', near: false, picture: false, mask: YELLOW },
  { name: 'Object, near', near: true, picture: true, mask: null },
  { name: 'Mask over it, near', near: true, picture: true, mask: RED },
];

/**
 * Draws a view as large as fits, in its own proportions.
 * @param {HTMLCanvasElement} canvas
 * @param {View} view
 * @param {Shown} shown
 * @param {{width: number, height: number}} room pixels of the canvas at most
 */
export function draw(canvas, view, { image, raster }, room) {
  const context = canvas.getContext('2d');
  if (context === null) return;
  const [x0, y0, x1, y1] = regionOf(view, raster);
  const scale = Math.min(room.width / (x1 - x0), room.height / (y1 - y0));
  canvas.width = Math.max(1, Math.round((x1 - x0) * scale));
  canvas.height = Math.max(1, Math.round((y1 - y0) * scale));
  context.fillStyle = PURPLE;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.setTransform(scale, 0, 0, scale, -x0 * scale, -y0 * scale);
  context.imageSmoothingEnabled = scale < 4; // nearer than that, pixels are to be seen
  if (view.picture) context.drawImage(image, 0, 0, raster.width, raster.height);
  if (view.mask) paint(context, raster, view.mask);
  context.setTransform(1, 0, 0, 1, 0, 0);
  const [x, y] = centreOf(raster);
  dot(context, (x + 0.5 - x0) * scale, (y + 0.5 - y0) * scale);
}

/**
 * What of the picture a view shows, in image pixels.
 * @param {View} view
 * @param {MaskRaster} raster
 * @returns {number[]} x0 y0 x1 y1
 */
function regionOf(view, raster) {
  if (!view.near) return [0, 0, raster.width, raster.height];
  const [x0, y0, x1, y1] = raster.box;
  const margin = Math.max(LEAST_MARGIN_PX, MARGIN * Math.max(x1 - x0, y1 - y0));
  return [Math.max(0, x0 - margin), Math.max(0, y0 - margin), Math.min(raster.width, x1 + margin), Math.min(raster.height, y1 + margin)];
}

/**
 * @param {CanvasRenderingContext2D} context in image pixels
 * @param {MaskRaster} raster
 * @param {number[]} colour
 */
function paint(context, raster, colour) {
  const [x0, y0, x1, y1] = raster.box;
  const stamp = new OffscreenCanvas(x1 - x0, y1 - y0);
  const pixels = new ImageData(x1 - x0, y1 - y0);
  raster.bits.forEach((bit, at) => bit && pixels.data.set(colour, at * 4));
  stamp.getContext('2d')?.putImageData(pixels, 0, 0);
  context.imageSmoothingEnabled = false;
  context.drawImage(stamp, x0, y0);
}

/**
 * @param {CanvasRenderingContext2D} context in canvas pixels
 * @param {number} x
 * @param {number} y
 */
function dot(context, x, y) {
  context.beginPath();
  context.arc(x, y, 5, 0, 2 * Math.PI);
  context.fillStyle = BLUE;
  context.strokeStyle = 'white';
  context.lineWidth = 2;
  context.fill();
  context.stroke();
}
