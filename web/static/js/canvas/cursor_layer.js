/**
 * What follows the pointer: the brush, or the crosshair that the arrow keys move.
 *
 * @typedef {import('../state/workbench.js').Workbench} Workbench
 * @typedef {import('./viewport.js').Viewport} Viewport
 * @typedef {import('./strokes.js').Context} Context
 */
import { DARK, LIGHT, strokePath } from './strokes.js';
import { drawOnScreen, toScreen } from './viewport.js';

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
