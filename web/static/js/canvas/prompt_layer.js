/**
 * The prompt in hand: points and box, and the lasso while it is drawn.
 *
 * @typedef {import('../state/workbench.js').Workbench} Workbench
 * @typedef {import('../state/types.js').Box} Box
 * @typedef {import('./viewport.js').Viewport} Viewport
 * @typedef {import('./strokes.js').Context} Context
 */
import { currentOf } from '../state/workbench.js';
import { cssRgb, DARK, disc, ERASE, LIGHT, PAINT, strokePath } from './strokes.js';
import { drawOnScreen, toScreen } from './viewport.js';

const FOREGROUND = '#12834c';
const BACKGROUND = '#c62f3d';
const POINT_RADIUS_PX = 8;

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
