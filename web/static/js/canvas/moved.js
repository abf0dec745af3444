/**
 * The picture and its masks move with the hand: what is drawn already is moved, and only what comes into view is drawn.
 *
 * @typedef {import('./viewport.js').Viewport} Viewport
 * @typedef {import('./strokes.js').Context} Context
 * @typedef {import('../geometry/types.js').Box} Box
 */

/** Of a pixel: less is the rounding of numbers, not a place between two pixels. */
const NOTHING = 1e-6;

/** @param {Context} context @returns {Box} the whole layer, device pixels */
export const wholeOf = ({ canvas }) => [0, 0, canvas.width, canvas.height];

/**
 * Move a layer from one view to another that differs by whole device pixels, so that every pixel stays what it was.
 *
 * @param {Context} context
 * @param {Viewport} from  as it is drawn
 * @param {Viewport} to
 * @returns {Box[]} device pixels that are to be drawn; the whole layer when it cannot be moved
 */
export function moveDrawn(context, from, to) {
  const [, , width, height] = wholeOf(context);
  const dx = (to.left - from.left) * to.ratio;
  const dy = (to.top - from.top) * to.ratio;
  const [across, down] = [Math.round(dx), Math.round(dy)];
  const isWhole = Math.abs(across - dx) < NOTHING && Math.abs(down - dy) < NOTHING;
  const isNear = Math.abs(across) < width / 2 && Math.abs(down) < height / 2;
  const isSame = ['scale', 'ratio', 'width', 'height'].every((name) => Reflect.get(from, name) === Reflect.get(to, name));
  if (!isWhole || !isNear || !isSame) return [wholeOf(context)];
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.globalCompositeOperation = 'copy';
  context.drawImage(context.canvas, across, down);
  context.globalCompositeOperation = 'source-over';
  /** @type {Box} */
  const beside = across > 0 ? [0, 0, across, height] : [width + across, 0, width, height];
  /** @type {Box} */
  const above = down > 0 ? [0, 0, width, down] : [0, height + down, width, height];
  return [beside, above].filter(([x0, y0, x1, y1]) => x1 > x0 && y1 > y0);
}

/**
 * Draw in a part of a layer and nowhere else.
 *
 * @param {Context} context
 * @param {Box} part  device pixels
 * @param {() => void} draw
 */
export function drawWithin(context, [x0, y0, x1, y1], draw) {
  context.save();
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.beginPath();
  context.rect(x0, y0, x1 - x0, y1 - y0);
  context.clip();
  draw();
  context.restore();
}
