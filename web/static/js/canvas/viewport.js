/**
 * Where the image lies on the screen. A viewport is a value; only this file knows screen pixels.
 * screen = image * scale + offset, in CSS pixels of the stage.
 *
 * @typedef {object} Viewport
 * @property {number} width  stage, CSS pixels
 * @property {number} height
 * @property {number} ratio  device pixels per CSS pixel
 * @property {number} scale  CSS pixels per image pixel
 * @property {number} left  screen position of the image's corner
 * @property {number} top
 *
 * @typedef {{width: number, height: number}} Size
 * @typedef {{x: number, y: number}} Place
 * @typedef {import('../geometry/types.js').Box} Box
 */

/** Free space around a fitted image; the foot leaves room for the acts that stand there. */
const MARGIN_PX = 24;
const FOOT_PX = 104;
const MAX_SCALE = 64;
/** At least this much of the image stays on the stage. */
const KEEP_PX = 64;

/** @type {Viewport} */
export const NO_VIEW = Object.freeze({ width: 1, height: 1, ratio: 1, scale: 1, left: 0, top: 0 });

/**
 * The whole image, centred, never enlarged beyond three times.
 *
 * @param {Viewport} view
 * @param {Size} image
 * @returns {Viewport}
 */
export function fit(view, image) {
  return centred(view, [0, 0, image.width, image.height], 3);
}

/**
 * @param {Viewport} view
 * @param {Box} box
 * @returns {Viewport}
 */
export function zoomToBox(view, box) {
  const pad = 0.25 * Math.max(box[2] - box[0], box[3] - box[1]);
  return centred(view, [box[0] - pad, box[1] - pad, box[2] + pad, box[3] + pad], 16);
}

/**
 * @param {Viewport} view
 * @param {Box} box
 * @param {number} most
 * @returns {Viewport}
 */
function centred(view, box, most) {
  const margin = Math.min(MARGIN_PX, view.width / 10, view.height / 10);
  const foot = Math.min(FOOT_PX, view.height / 5);
  const across = (view.width - 2 * margin) / Math.max(1, box[2] - box[0]);
  const down = (view.height - margin - foot) / Math.max(1, box[3] - box[1]);
  const scale = Math.min(across, down, most);
  return {
    ...view,
    scale,
    left: view.width / 2 - ((box[0] + box[2]) / 2) * scale,
    top: (view.height + margin - foot) / 2 - ((box[1] + box[3]) / 2) * scale,
  };
}

/**
 * @param {Viewport} view
 * @param {Size} image
 * @returns {number} the smallest scale allowed: half of what fits
 */
function leastScale(view, image) {
  return Math.min(1, 0.5 * Math.min(view.width / image.width, view.height / image.height));
}

/**
 * Zoom so that the image pixel under `at` stays there.
 *
 * @param {Viewport} view
 * @param {Size} image
 * @param {Place} at  screen
 * @param {number} factor
 * @returns {Viewport}
 */
export function zoomAt(view, image, at, factor) {
  const scale = Math.min(MAX_SCALE, Math.max(leastScale(view, image), view.scale * factor));
  const ratio = scale / view.scale;
  const moved = { ...view, scale, left: at.x - (at.x - view.left) * ratio, top: at.y - (at.y - view.top) * ratio };
  return held(moved, image);
}

/**
 * @param {Viewport} view
 * @param {Size} image
 * @param {number} dx  CSS pixels
 * @param {number} dy
 * @returns {Viewport}
 */
export function panBy(view, image, dx, dy) {
  return held({ ...view, left: view.left + dx, top: view.top + dy }, image);
}

/**
 * The stage has another size: keep its centre on the same image pixel.
 *
 * @param {Viewport} view
 * @param {number} width
 * @param {number} height
 * @param {number} ratio
 * @returns {Viewport}
 */
export function resized(view, width, height, ratio) {
  const left = view.left + (width - view.width) / 2;
  const top = view.top + (height - view.height) / 2;
  return { ...view, width, height, ratio, left, top };
}

/**
 * @param {Viewport} view
 * @param {Size} image
 * @returns {Viewport}
 */
function held(view, image) {
  const left = Math.min(view.width - KEEP_PX, Math.max(KEEP_PX - image.width * view.scale, view.left));
  const top = Math.min(view.height - KEEP_PX, Math.max(KEEP_PX - image.height * view.scale, view.top));
  return { ...view, left, top };
}

/**
 * @param {Viewport} view
 * @param {Place} screen
 * @returns {Place} image pixels; pixel i covers [i, i + 1)
 */
export function toImage(view, screen) {
  return { x: (screen.x - view.left) / view.scale, y: (screen.y - view.top) / view.scale };
}

/**
 * @param {Viewport} view
 * @param {Place} place
 * @returns {Place} CSS pixels of the stage
 */
export function toScreen(view, place) {
  return { x: place.x * view.scale + view.left, y: place.y * view.scale + view.top };
}

/**
 * @param {Viewport} view
 * @returns {Box} the part of the image plane on the stage, image pixels, not rounded
 */
export function visibleBox(view) {
  const from = toImage(view, { x: 0, y: 0 });
  const to = toImage(view, { x: view.width, y: view.height });
  return [from.x, from.y, to.x, to.y];
}

/**
 * @param {Viewport} view
 * @param {Box} part  of the stage, device pixels
 * @param {number} edge  CSS pixels around it
 * @returns {Box} the image plane there, image pixels, not rounded
 */
export function boxAround(view, [x0, y0, x1, y1], edge) {
  const from = toImage(view, { x: x0 / view.ratio - edge, y: y0 / view.ratio - edge });
  const to = toImage(view, { x: x1 / view.ratio + edge, y: y1 / view.ratio + edge });
  return [from.x, from.y, to.x, to.y];
}

/**
 * Draw in image pixels from here on.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {Viewport} view
 */
export function drawInImage(context, view) {
  const { ratio, scale, left, top } = view;
  context.setTransform(ratio * scale, 0, 0, ratio * scale, ratio * left, ratio * top);
  context.imageSmoothingEnabled = scale * ratio < 3;
  context.imageSmoothingQuality = scale < 1 ? 'high' : 'low';
}

/**
 * Draw in CSS pixels of the stage from here on.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {Viewport} view
 */
export function drawOnScreen(context, view) {
  context.setTransform(view.ratio, 0, 0, view.ratio, 0, 0);
}

/**
 * @param {Viewport} view
 * @param {number} px  CSS pixels
 * @returns {number} the same length in image pixels
 */
export const inImage = (view, px) => px / view.scale;
