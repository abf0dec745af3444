/** Lines and dots in the colours that every layer draws with. */

/** @typedef {CanvasRenderingContext2D} Context */
/** @typedef {import('../drawing/mask_picture.js').Rgb} Rgb */

export const DARK = 'rgb(8 12 16 / 0.75)';
export const LIGHT = '#ffffff';
/** @type {Rgb} */
export const PAINT = [255, 214, 120];
/** @type {Rgb} */
export const ERASE = [255, 92, 92];

/**
 * @param {Context} context
 * @param {Path2D} path
 * @param {string} color
 * @param {number} width
 */
export function strokePath(context, path, color, width) {
  context.strokeStyle = color;
  context.lineWidth = width;
  context.lineJoin = 'round';
  context.stroke(path);
}

/** @param {Rgb} color */
export const cssRgb = ([red, green, blue]) => `rgb(${red} ${green} ${blue})`;

/**
 * @param {Context} context
 * @param {{x: number, y: number}} at
 * @param {number} radius
 * @param {string} color
 */
export function disc(context, at, radius, color) {
  context.fillStyle = color;
  context.beginPath();
  context.arc(at.x, at.y, radius, 0, 2 * Math.PI);
  context.fill();
}
