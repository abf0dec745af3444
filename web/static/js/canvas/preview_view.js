/**
 * What the decoder's worker has to know of the stage to paint a preview for it: only what is visible, in pixels of
 * the screen.
 *
 * @typedef {import('./viewport.js').Viewport} Viewport
 * @typedef {import('./viewport.js').Size} Size
 * @typedef {import('../geometry/logits.js').Part} Part
 * @typedef {import('../decoder/types.js').Look} Look
 */
import { overlap, isEmptyBox } from '../geometry/boxes.js';
import { IN_HAND } from '../state/colors.js';
import { visibleBox } from './viewport.js';

const LINE_PX = 1.25;

/**
 * @param {Viewport} view
 * @param {Size} image
 * @returns {{part: Part, look: Look} | null} null when no part of the image is visible
 */
export function previewView(view, image) {
  const [x0, y0, x1, y1] = visibleBox(view);
  const box = overlap([Math.floor(x0), Math.floor(y0), Math.ceil(x1), Math.ceil(y1)], [0, 0, image.width, image.height]);
  if (isEmptyBox(box)) return null;
  const scale = view.scale * view.ratio;
  const samples = (/** @type {number} */ pixels) => Math.ceil(pixels * Math.min(1, scale));
  const part = { box, columns: samples(box[2] - box[0]), rows: samples(box[3] - box[1]) };
  const look = { color: IN_HAND, fill: 0.28, line: 0.9, linePx: LINE_PX * view.ratio, zoom: Math.max(1, scale), ratio: view.ratio };
  return { part, look };
}
