/**
 * What is drawn, from back to front. Every function draws one layer from the state and keeps nothing.
 *
 * @typedef {import('../state/workbench.js').Workbench} Workbench
 * @typedef {import('../state/types.js').Mask} Mask
 * @typedef {import('../state/types.js').MaskRaster} MaskRaster
 * @typedef {import('../state/types.js').Box} Box
 * @typedef {import('./viewport.js').Viewport} Viewport
 * @typedef {CanvasRenderingContext2D} Context
 */
import { IN_HAND, PALETTE } from '../state/colors.js';
import { isEmpty, maskOf } from '../state/current.js';
import { isSentBack } from '../state/masks.js';
import { rasterOf } from '../state/rasters.js';
import { currentOf, docOf, sizeOf } from '../state/workbench.js';
import { maskPicture } from './mask_bitmap.js';
import { outlinePath } from './outline.js';
import { drawInImage, drawOnScreen, inImage, toScreen, visibleBox } from './viewport.js';

const DARK = 'rgb(8 12 16 / 0.75)';
const LIGHT = '#ffffff';
const PAINT = /** @type {const} */ ([255, 214, 120]);
const ERASE = /** @type {const} */ ([255, 92, 92]);
const FOREGROUND = '#12834c';
const BACKGROUND = '#c62f3d';
const POINT_RADIUS_PX = 8;
const PIN = '#f5b02e';
const PIN_TEXT = '#241800';
const PIN_RADIUS_PX = 10;

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
 */
export function drawMasks(context, view, bench) {
  const { masks, current } = docOf(bench);
  if (bench.peek) return;
  const visible = visibleBox(view);
  drawInImage(context, view);
  const alone = bench.solo ? (current?.id ?? bench.selected ?? bench.hovered) : null;
  for (const mask of masks) {
    if ((bench.solo && mask.id !== alone) || bench.hidden.has(mask.id)) continue;
    if (mask.id === current?.id || !meets(mask.box, visible)) continue;
    drawMask(context, view, bench, mask, current ? 0.6 : 1);
  }
  context.globalAlpha = 1;
  for (const mask of masks) if (isSentBack(mask) && !bench.hidden.has(mask.id)) drawPins(context, view, mask.review?.pins ?? []);
}

/**
 * A reviewer's remarks, numbered as their words are beside the picture.
 *
 * @param {Context} context
 * @param {Viewport} view
 * @param {readonly import('../state/types.js').Pin[]} pins
 */
function drawPins(context, view, pins) {
  drawOnScreen(context, view);
  context.font = '600 12px system-ui, sans-serif';
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  pins.forEach((pin, place) => {
    const tip = toScreen(view, pin);
    const at = { x: tip.x, y: tip.y - 2 * PIN_RADIUS_PX };
    const stem = new Path2D();
    stem.moveTo(tip.x, tip.y);
    stem.lineTo(at.x, at.y);
    strokePath(context, stem, DARK, 5);
    strokePath(context, stem, PIN, 2.5);
    disc(context, at, PIN_RADIUS_PX + 1.5, DARK);
    disc(context, at, PIN_RADIUS_PX, PIN);
    context.fillStyle = PIN_TEXT;
    context.fillText(String(place + 1), at.x, at.y + 0.5);
  });
}

/**
 * @param {Context} context
 * @param {Viewport} view
 * @param {Workbench} bench
 * @param {Mask} mask
 * @param {number} weight  1, or less while another object is in hand
 */
function drawMask(context, view, bench, mask, weight) {
  const raster = rasterOf(mask.rle);
  if (isEmpty(raster)) return;
  const color = PALETTE[mask.color % PALETTE.length];
  const under = mask.id === bench.hovered;
  const lit = mask.id === bench.selected || (under && bench.hoveredFrom === 'list');
  const fill = (bench.outlineOnly ? 0 : bench.opacity) * weight;
  drawFill(context, raster, color, lit ? Math.min(0.85, fill + 0.18) : fill);
  const path = outlinePath(raster, view.scale);
  context.globalAlpha = lit ? 1 : Math.max(weight, 0.7);
  if (lit) strokePath(context, path, DARK, inImage(view, 5));
  strokePath(context, path, lit ? LIGHT : cssRgb(color), inImage(view, lit || under ? 2.5 : 1.5));
}

/**
 * @param {Context} context
 * @param {MaskRaster} raster
 * @param {readonly [number, number, number]} color
 * @param {number} alpha
 */
function drawFill(context, raster, color, alpha) {
  if (alpha <= 0 || isEmpty(raster)) return;
  context.globalAlpha = alpha;
  context.drawImage(maskPicture(raster, color), raster.box[0], raster.box[1]);
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
    if (!isEmpty(raster)) drawStrong(context, view, raster, bench.outlineOnly ? 0 : Math.max(0.35, bench.opacity));
  } else if (bench.preview && !isEmpty(bench.preview)) {
    drawFill(context, bench.preview, IN_HAND, 0.28);
    context.globalAlpha = 0.9;
    strokePath(context, outlinePath(bench.preview, view.scale), cssRgb(IN_HAND), inImage(view, 1.25));
  }
  if (bench.cleanUp) {
    drawChange(context, view, bench.cleanUp.filled, PAINT);
    drawChange(context, view, bench.cleanUp.dropped, ERASE);
  }
  if (bench.stroke) drawFill(context, bench.stroke.raster, bench.stroke.mode === 'brush' ? PAINT : ERASE, 0.6);
  context.globalAlpha = 1;
}

/**
 * Pixels that would change, also when they are few.
 *
 * @param {Context} context
 * @param {Viewport} view
 * @param {MaskRaster} raster
 * @param {readonly [number, number, number]} color
 */
function drawChange(context, view, raster, color) {
  if (isEmpty(raster)) return;
  drawFill(context, raster, color, 0.9);
  context.globalAlpha = 1;
  const path = outlinePath(raster, view.scale);
  strokePath(context, path, DARK, inImage(view, 5));
  strokePath(context, path, cssRgb(color), inImage(view, 2.5));
}

/**
 * @param {Context} context
 * @param {Viewport} view
 * @param {MaskRaster} raster
 * @param {number} alpha
 */
function drawStrong(context, view, raster, alpha) {
  drawFill(context, raster, IN_HAND, alpha);
  const path = outlinePath(raster, view.scale);
  context.globalAlpha = 1;
  strokePath(context, path, DARK, inImage(view, 4));
  strokePath(context, path, cssRgb(IN_HAND), inImage(view, 2));
}

/**
 * Points and box of the prompt.
 *
 * @param {Context} context
 * @param {Viewport} view
 * @param {Workbench} bench
 */
export function drawPrompt(context, view, bench) {
  const current = currentOf(bench);
  drawOnScreen(context, view);
  if (bench.lasso) drawLasso(context, view, bench.lasso);
  const box = bench.dragBox ?? current?.box;
  if (box) drawBox(context, view, box);
  current?.points.forEach((point, index) => {
    const dragged = bench.dragPoint?.index === index ? bench.dragPoint.at : null;
    const at = toScreen(view, dragged ?? { x: point.x + 0.5, y: point.y + 0.5 });
    drawPoint(context, at, point.label);
  });
}

/**
 * @param {Context} context
 * @param {Viewport} view
 * @param {Box} box
 */
function drawBox(context, view, box) {
  const from = toScreen(view, { x: box[0], y: box[1] });
  const to = toScreen(view, { x: box[2], y: box[3] });
  const sides = /** @type {const} */ ([from.x, from.y, to.x - from.x, to.y - from.y]);
  context.lineWidth = 3;
  context.strokeStyle = DARK;
  context.strokeRect(...sides);
  context.setLineDash([6, 4]);
  context.lineWidth = 1.5;
  context.strokeStyle = LIGHT;
  context.strokeRect(...sides);
  context.setLineDash([]);
}

/**
 * @param {Context} context
 * @param {Viewport} view
 * @param {NonNullable<Workbench['lasso']>} lasso
 */
function drawLasso(context, view, { mode, places }) {
  const path = new Path2D();
  for (const place of places) {
    const { x, y } = toScreen(view, place);
    path.lineTo(x, y);
  }
  path.closePath();
  context.fillStyle = cssRgb(mode === 'brush' ? PAINT : ERASE);
  context.globalAlpha = 0.25;
  context.fill(path, 'evenodd');
  context.globalAlpha = 1;
  strokePath(context, path, DARK, 4);
  strokePath(context, path, cssRgb(mode === 'brush' ? PAINT : ERASE), 2);
}

/**
 * @param {Context} context
 * @param {{x: number, y: number}} at
 * @param {0 | 1} label
 */
function drawPoint(context, at, label) {
  const arm = 4;
  disc(context, at, POINT_RADIUS_PX + 2.5, DARK);
  disc(context, at, POINT_RADIUS_PX + 1.5, LIGHT);
  disc(context, at, POINT_RADIUS_PX, label ? FOREGROUND : BACKGROUND);
  context.fillStyle = LIGHT;
  context.fillRect(at.x - arm, at.y - 1, 2 * arm, 2);
  if (label) context.fillRect(at.x - 1, at.y - arm, 2, 2 * arm);
}

/**
 * @param {Context} context
 * @param {{x: number, y: number}} at
 * @param {number} radius
 * @param {string} color
 */
function disc(context, at, radius, color) {
  context.fillStyle = color;
  context.beginPath();
  context.arc(at.x, at.y, radius, 0, 2 * Math.PI);
  context.fill();
}

/**
 * The brush under the pointer, or the crosshair that the arrow keys move.
 *
 * @param {Context} context
 * @param {Viewport} view
 * @param {Workbench} bench
 * @param {boolean} crosshair
 */
export function drawCursor(context, view, bench, crosshair) {
  if (!bench.pointer) return;
  drawOnScreen(context, view);
  const at = toScreen(view, bench.pointer);
  if (bench.tool === 'brush' || bench.tool === 'eraser') drawBrush(context, view, bench, at);
  else if (crosshair) drawCross(context, at);
}

/**
 * @param {Context} context
 * @param {Viewport} view
 * @param {Workbench} bench
 * @param {{x: number, y: number}} at
 */
function drawBrush(context, view, bench, at) {
  const radius = (bench.brush.size * view.scale) / 2;
  const erases = (bench.tool === 'eraser') !== bench.inverted;
  const path = new Path2D();
  if (bench.brush.shape === 'circle') path.arc(at.x, at.y, Math.max(1, radius), 0, 2 * Math.PI);
  else path.rect(at.x - radius, at.y - radius, 2 * radius, 2 * radius);
  strokePath(context, path, DARK, 3);
  strokePath(context, path, erases ? '#ff7b7b' : LIGHT, 1.5);
  const arm = Math.min(4, radius);
  context.fillStyle = erases ? '#ff7b7b' : LIGHT;
  context.fillRect(at.x - arm, at.y - 0.75, 2 * arm, 1.5);
  if (!erases) context.fillRect(at.x - 0.75, at.y - arm, 1.5, 2 * arm);
}

/**
 * @param {Context} context
 * @param {{x: number, y: number}} at
 */
function drawCross(context, at) {
  const path = new Path2D();
  for (const [x, y] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
    path.moveTo(at.x + 4 * x, at.y + 4 * y);
    path.lineTo(at.x + 16 * x, at.y + 16 * y);
  }
  strokePath(context, path, DARK, 4);
  strokePath(context, path, LIGHT, 2);
}

/**
 * @param {Context} context
 * @param {Path2D} path
 * @param {string} color
 * @param {number} width
 */
function strokePath(context, path, color, width) {
  context.strokeStyle = color;
  context.lineWidth = width;
  context.lineJoin = 'round';
  context.stroke(path);
}

/** @param {readonly [number, number, number]} color */
const cssRgb = ([red, green, blue]) => `rgb(${red} ${green} ${blue})`;

/**
 * @param {Box} a
 * @param {Box} b
 */
function meets(a, b) {
  return a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
}
