/**
 * Colours of masks: far apart for every kind of colour vision, and never the same next to each other.
 *
 * @typedef {import('./types.js').Box} Box
 * @typedef {{readonly box: Box, readonly color: number}} Colored
 */

/**
 * Twelve colours that alternate in lightness as well as in hue, so that neighbours in the list differ also
 * without colour vision. They lie near the hues of Okabe and Ito ('Color Universal Design', 2008).
 *
 * @type {readonly (readonly [number, number, number])[]} red, green, blue, 0 to 255
 */
export const PALETTE = [
  [86, 180, 233],
  [222, 90, 40],
  [0, 170, 120],
  [240, 228, 66],
  [204, 102, 178],
  [164, 214, 94],
  [128, 140, 255],
  [255, 140, 150],
  [0, 190, 200],
  [165, 110, 70],
  [200, 160, 255],
  [225, 190, 150],
];

/** The mask in hand. @type {readonly [number, number, number]} */
export const IN_HAND = [255, 176, 46];

/** Masks nearer to each other than this count as neighbours, in image pixels. */
const NEAR_PX = 24;

/**
 * @param {number} color
 * @param {number} [alpha]
 */
export function cssColor(color, alpha = 1) {
  const [red, green, blue] = PALETTE[color % PALETTE.length] ?? [255, 255, 255];
  return `rgb(${red} ${green} ${blue} / ${alpha})`;
}

/**
 * The colour for a new mask: the one that the fewest neighbours wear; among those the one used least on the
 * image; then the next in the palette's order.
 *
 * @param {readonly Colored[]} masks
 * @param {Box} box  of the new mask
 * @returns {number} index into PALETTE
 */
export function pickColor(masks, box) {
  const near = new Array(PALETTE.length).fill(0);
  const all = new Array(PALETTE.length).fill(0);
  for (const mask of masks) {
    const color = mask.color % PALETTE.length;
    all[color] += 1;
    if (areNear(mask.box, box)) near[color] += 1;
  }
  const order = PALETTE.map((_, color) => color);
  order.sort((a, b) => near[a] - near[b] || all[a] - all[b] || a - b);
  return order[0] ?? 0;
}

/**
 * @param {Box} a
 * @param {Box} b
 */
function areNear(a, b) {
  return (
    a[0] < b[2] + NEAR_PX && b[0] < a[2] + NEAR_PX && a[1] < b[3] + NEAR_PX && b[1] < a[3] + NEAR_PX
  );
}
