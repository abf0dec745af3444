/**
 * A reviewer's remarks at their places on the picture.
 *
 * @typedef {import('./viewport.js').Viewport} Viewport
 * @typedef {import('./strokes.js').Context} Context
 */
import { DARK, disc, strokePath } from './strokes.js';
import { drawOnScreen, toScreen } from './viewport.js';

const PIN = '#f5b02e';
const PIN_TEXT = '#241800';
const PIN_RADIUS_PX = 10;

/**
 * A reviewer's remarks, numbered as their words are beside the picture.
 *
 * @param {Context} context
 * @param {Viewport} view
 * @param {readonly import('../state/types.js').Pin[]} pins
 */
export function drawPins(context, view, pins) {
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
