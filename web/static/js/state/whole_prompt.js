/**
 * What the model is asked about the object in hand. With a mask that was opened again goes what says which object it is:
 * the clicks that it was made of or, where there is more to it than clicks, its box. A correction alone would ask about
 * another object (docs/decisions/mask-prompts.md).
 *
 * @typedef {import('./types.js').Box} Box
 * @typedef {import('./types.js').Current} Current
 * @typedef {import('./types.js').Point} Point
 * @typedef {import('./types.js').Step} Step
 * @typedef {{readonly points: readonly Point[], readonly box: Box | null}} Prompt
 */
import { hull } from '../geometry/boxes.js';
import { rasterOf } from './rasters.js';

const CLICKS = new Set(['point', 'box', 'candidate']);

/** @param {Step} step */
const isOfClicks = ({ kind, at_click_only: atClickOnly, with_mask_box: withMaskBox }) => CLICKS.has(kind) && !atClickOnly && !withMaskBox;

/**
 * @param {Current} current
 * @returns {Prompt} image pixels
 */
export function wholePrompt(current) {
  const { points, box, origin, madeOf } = current;
  if (origin && takesMaskBox(current)) return { points, box: around(rasterOf(origin).box, points) };
  return madeOf ? { points: [...madeOf.points, ...points], box: box ?? madeOf.box } : { points, box };
}

/**
 * @param {Current} current
 * @returns {boolean} whether the box of the opened mask goes with the prompts, which the person has not drawn
 */
export const takesMaskBox = ({ box, origin, madeOf }) => origin !== null && !madeOf && !box;

/**
 * @param {readonly Step[]} steps  of a mask
 * @returns {Prompt | null} null unless clicks and boxes alone made it
 */
export function promptOf(steps) {
  if (!steps.length || !steps.every(isOfClicks)) return null;
  const points = steps.filter(({ kind }) => kind === 'point').map(({ x, y, label }) => ({ x, y, label }));
  const box = steps.findLast(({ kind }) => kind === 'box')?.box ?? null;
  return /** @type {Prompt} */ ({ points, box });
}

/**
 * @param {Box} box
 * @param {readonly Point[]} points
 * @returns {Box} grown to hold the points that belong to the object
 */
const around = (box, points) => points.filter(({ label }) => label === 1).reduce((found, { x, y }) => hull(found, [x, y, x + 1, y + 1]), box);
