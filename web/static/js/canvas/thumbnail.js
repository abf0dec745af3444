/**
 * A small picture of a mask on its image.
 *
 * @typedef {import('../drawing/shape.js').Shape} Shape
 * @typedef {import('./stage.js').Picture} Picture
 */
import { placeOf } from '../drawing/detail.js';
import { maskPicture } from '../drawing/mask_picture.js';
import { outlinePath } from '../drawing/outline_path.js';
import { isEmptyBox } from '../geometry/boxes.js';

/**
 * @param {object} options
 * @param {HTMLCanvasElement} options.canvas  square, `data-side` CSS pixels
 * @param {Picture} options.picture
 * @param {Shape} options.shape
 * @param {readonly [number, number, number]} options.color
 * @param {number} options.side  CSS pixels
 */
export function drawThumbnail({ canvas, picture, shape, color, side }) {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = canvas.height = Math.round(side * ratio);
  const context = canvas.getContext('2d');
  if (!context || isEmptyBox(shape.box)) return;
  const [x0, y0, x1, y1] = shape.box;
  const span = 1.3 * Math.max(x1 - x0, y1 - y0, 8);
  const scale = canvas.width / span;
  const detail = shape.detail(scale);
  if (isEmptyBox(detail.mask.box)) return;
  const left = (x0 + x1 - span) / 2;
  const top = (y0 + y1 - span) / 2;
  context.setTransform(scale, 0, 0, scale, -left * scale, -top * scale);
  context.imageSmoothingQuality = 'high';
  context.drawImage(picture.picture, 0, 0, picture.width, picture.height);
  const path = outlinePath(detail, scale);
  const outside = new Path2D(path);
  outside.rect(0, 0, picture.width, picture.height);
  context.fillStyle = 'rgb(10 14 18 / 0.45)';
  context.fill(outside, 'evenodd');
  context.globalAlpha = 0.35;
  context.drawImage(maskPicture(detail.mask, color), ...placeOf(detail));
  context.globalAlpha = 1;
  context.lineWidth = (1.5 * ratio) / scale;
  context.strokeStyle = `rgb(${color.join(' ')})`;
  context.stroke(path);
}
