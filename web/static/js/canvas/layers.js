/**
 * The picture and its masks, from back to front. Every function draws one layer from the state and keeps nothing.
 *
 * @typedef {import('../state/workbench.js').Workbench} Workbench
 * @typedef {import('../state/types.js').Mask} Mask
 * @typedef {import('../state/types.js').MaskRaster} MaskRaster
 * @typedef {import('../state/types.js').Box} Box
 * @typedef {import('../drawing/detail.js').Detail} Detail
 * @typedef {import('../drawing/mask_picture.js').Rgb} Rgb
 * @typedef {import('./viewport.js').Viewport} Viewport
 * @typedef {import('./strokes.js').Context} Context
 */
import { detailAt, detailOf, placeOf } from '../drawing/detail.js';
import { maskPicture } from '../drawing/mask_picture.js';
import { outlinePath } from '../drawing/outline_path.js';
import { IN_HAND, PALETTE } from '../state/colors.js';
import { maskOf } from '../state/current.js';
import { isSentBack } from '../state/masks.js';
import { isEmpty, reducedOf } from '../state/rasters.js';
import { currentOf, docOf, sizeOf } from '../state/workbench.js';
import { drawPins } from './pins_layer.js';
import { cssRgb, DARK, ERASE, LIGHT, PAINT, strokePath } from './strokes.js';
import { boxAround, drawInImage, drawOnScreen, inImage, visibleBox } from './viewport.js';

/** Weight of masks while another object is in hand. */
const BESIDE = 0.6;
/** So far a mask's line reaches beyond its pixels at most, CSS pixels. */
const EDGE_PX = 3;

/**
 * @param {Context} context
 * @param {Viewport} view
 */
export function clear(context, view) {
  drawOnScreen(context, view);
  context.clearRect(0, 0, view.width, view.height);
}

/**
 * @param {Context} context
 * @param {Viewport} view
 * @param {import('./stage.js').Picture} source
 * @param {{brightness: number, contrast: number}} light
 */
export function drawPicture(context, view, { picture, width, height, tiles }, { brightness, contrast }) {
  drawInImage(context, view);
  if (brightness !== 1 || contrast !== 1) context.filter = `brightness(${brightness}) contrast(${contrast})`;
  context.drawImage(picture, 0, 0, width, height);
  tiles?.draw(context, view);
  context.filter = 'none';
}

/**
 * @param {Context} context
 * @param {Viewport} view
 * @param {Workbench} bench
 * @param {Box} part  of the layer that is drawn, device pixels
 */
export function drawMasks(context, view, bench, part) {
  const { masks, current } = docOf(bench);
  if (bench.peek) return;
  const visible = boxAround(view, part, EDGE_PX);
  drawInImage(context, view);
  const alone = bench.solo ? (current?.id ?? bench.selected ?? bench.hovered) : null;
  for (const mask of masks) {
    if ((bench.solo && mask.id !== alone) || bench.hidden.has(mask.id)) continue;
    if (mask.id === current?.id || !meets(mask.box, visible)) continue;
    drawMask(context, view, bench, mask, current ? BESIDE : 1);
  }
  context.globalAlpha = 1;
  for (const mask of masks) if (isSentBack(mask) && !bench.hidden.has(mask.id)) drawPins(context, view, mask.review?.pins ?? []);
}

/**
 * @param {Context} context
 * @param {Viewport} view
 * @param {Workbench} bench
 * @param {Mask} mask
 * @param {number} weight  1, or less while another object is in hand
 */
function drawMask(context, view, bench, mask, weight) {
  const detail = listedInView(mask, view);
  if (isEmpty(detail.mask)) return;
  const color = PALETTE[mask.color % PALETTE.length];
  const lit = mask.id === bench.selected;
  const fill = fillOf(bench, weight);
  drawFill(context, detail, color, lit ? litFill(fill) : fill);
  const path = outlinePath(detail, view.scale);
  if (lit) return drawEdge(context, view, path, LIGHT);
  context.globalAlpha = Math.max(weight, 0.7);
  strokePath(context, path, cssRgb(color), inImage(view, 1.5));
}

/**
 * The mask under the pointer, or of the row under it, over the same mask as it lies among the others: a pointer that
 * moves over a thousand masks draws one.
 *
 * @param {Context} context
 * @param {Viewport} view
 * @param {Workbench} bench
 */
export function drawHovered(context, view, bench) {
  const { masks, current } = docOf(bench);
  const mask = bench.hovered === null ? undefined : masks.find(({ id }) => id === bench.hovered);
  const isShown = mask && !bench.peek && !bench.solo && !bench.hidden.has(mask.id);
  if (!isShown || mask.id === current?.id || mask.id === bench.selected) return;
  const detail = listedInView(mask, view);
  if (isEmpty(detail.mask)) return;
  const color = PALETTE[mask.color % PALETTE.length];
  const path = outlinePath(detail, view.scale);
  drawInImage(context, view);
  if (bench.hoveredFrom === 'list') {
    const fill = fillOf(bench, current ? BESIDE : 1);
    drawFill(context, detail, color, (litFill(fill) - fill) / (1 - fill));
    drawEdge(context, view, path, LIGHT);
  } else {
    context.globalAlpha = 1;
    strokePath(context, path, cssRgb(color), inImage(view, 2.5));
  }
  context.globalAlpha = 1;
}

/**
 * @param {Workbench} bench
 * @param {number} weight
 * @returns {number} opacity of a mask
 */
const fillOf = (bench, weight) => (bench.outlineOnly ? 0 : bench.opacity) * weight;

/**
 * @param {number} fill  opacity of a mask
 * @returns {number} the same when it is lit
 */
const litFill = (fill) => Math.min(0.85, fill + 0.18);

/**
 * A line that is seen on any picture.
 *
 * @param {Context} context
 * @param {Viewport} view
 * @param {Path2D} path
 * @param {string} color
 * @param {number} [width]  CSS pixels
 */
function drawEdge(context, view, path, color, width = 2.5) {
  context.globalAlpha = 1;
  strokePath(context, path, DARK, inImage(view, 2 * width));
  strokePath(context, path, color, inImage(view, width));
}

/**
 * @param {MaskRaster} raster
 * @param {Viewport} view
 * @returns {Detail}
 */
function inView(raster, view) {
  return detailOf(raster, view.scale * view.ratio, visibleBox(view));
}

/**
 * @param {Mask} mask  of the list
 * @param {Viewport} view
 * @returns {Detail}
 */
function listedInView({ rle }, view) {
  return detailAt((step) => reducedOf(rle, step), view.scale * view.ratio, visibleBox(view));
}

/**
 * @param {Context} context
 * @param {Detail} detail
 * @param {Rgb} color
 * @param {number} alpha
 */
function drawFill(context, detail, color, alpha) {
  if (alpha <= 0 || isEmpty(detail.mask)) return;
  context.globalAlpha = alpha;
  context.drawImage(maskPicture(detail.mask, color), ...placeOf(detail));
}

/**
 * The object in hand, or the preview under the pointer.
 *
 * @param {Context} context
 * @param {Viewport} view
 * @param {Workbench} bench
 */
export function drawInHand(context, view, bench) {
  if (bench.peek) return;
  drawInImage(context, view);
  const current = currentOf(bench);
  if (current) {
    const raster = maskOf(current, sizeOf(bench));
    drawStrong(context, view, raster, bench.outlineOnly ? 0 : Math.max(0.35, bench.opacity));
  } else if (bench.preview) {
    const { picture, box } = bench.preview;
    context.drawImage(picture, box[0], box[1], box[2] - box[0], box[3] - box[1]);
  }
  for (const change of [bench.cleanUp, bench.difference]) {
    if (!change) continue;
    drawChange(context, view, change.filled, PAINT);
    drawChange(context, view, change.dropped, ERASE);
  }
  if (bench.stroke) drawFill(context, inView(bench.stroke.raster, view), bench.stroke.mode === 'brush' ? PAINT : ERASE, 0.6);
  context.globalAlpha = 1;
}

/**
 * Pixels that would change, also when they are few.
 *
 * @param {Context} context
 * @param {Viewport} view
 * @param {MaskRaster} raster
 * @param {Rgb} color
 */
function drawChange(context, view, raster, color) {
  const detail = inView(raster, view);
  if (isEmpty(detail.mask)) return;
  drawFill(context, detail, color, 0.9);
  drawEdge(context, view, outlinePath(detail, view.scale), cssRgb(color));
}

/**
 * @param {Context} context
 * @param {Viewport} view
 * @param {MaskRaster} raster
 * @param {number} alpha
 */
function drawStrong(context, view, raster, alpha) {
  const detail = inView(raster, view);
  if (isEmpty(detail.mask)) return;
  drawFill(context, detail, IN_HAND, alpha);
  drawEdge(context, view, outlinePath(detail, view.scale), cssRgb(IN_HAND), 2);
}

/**
 * @param {Box} a
 * @param {Box} b
 */
function meets(a, b) {
  return a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
}
