/**
 * The object in hand as the server keeps it: a draft whose last prompt says that it is still in hand. Another
 * browser of the same person goes on from it.
 *
 * @typedef {import('./types.js').Doc} Doc
 * @typedef {import('./types.js').Mask} Mask
 * @typedef {import('./types.js').Current} Current
 * @typedef {import('./types.js').Point} Point
 * @typedef {import('./types.js').Box} Box
 * @typedef {import('./types.js').Step} Step
 */
import { newCurrent } from './current.js';
import { repainted } from './painted.js';
import { maskFromCurrent } from './masks.js';

/** @type {Step} */
const IN_HAND = Object.freeze({ kind: 'in_hand' });

/** @param {Mask} mask */
export const isInHand = ({ state, steps }) => state === 'draft' && steps.at(-1)?.kind === IN_HAND.kind;

/**
 * @param {Doc} doc
 * @param {import('./masks.js').MaskFacts} facts
 * @returns {Mask | null} null when there is nothing to keep; of a mask that was opened again the server keeps
 *   what was accepted
 */
export function draftOf(doc, facts) {
  const { current } = doc;
  if (!current || current.reopened || current.steps.length === 0) return null;
  const mask = maskFromCurrent(doc, current, facts);
  return { ...mask, state: 'draft', givenUp: false, steps: [...current.steps, IN_HAND] };
}

/**
 * @param {Mask} mask  a draft that is in hand
 * @returns {Current} to go on from; the logits stayed on the device where they were made
 */
export function resumed(mask) {
  const steps = mask.steps.slice(0, -1);
  const isAnswered = mask.modelVersion !== null && mask.area > 0;
  const candidate = { token: 0, predictedIou: mask.predictedIou ?? 0, stability: 0, lowRes: null, mask: null, rle: mask.rle };
  return {
    ...newCurrent(mask.id),
    ...promptOf(steps),
    candidates: isAnswered ? [candidate] : [],
    answered: isAnswered,
    base: mask.area > 0 ? mask.rle : null,
    painted: repainted({ ...mask, steps }),
    steps,
  };
}

/**
 * The prompt that stands after all steps.
 *
 * @param {readonly Step[]} steps
 * @returns {{points: readonly Point[], box: Box | null}}
 */
function promptOf(steps) {
  /** @type {Point[]} */
  let points = [];
  /** @type {Box | null} */
  let box = null;
  for (const step of steps) {
    const { kind, index, x, y, label } = /** @type {{kind: string, index: number, x: number, y: number, label: 0 | 1}} */ (/** @type {unknown} */ (step));
    if (kind === 'point') points = [...points, { x, y, label }];
    else if (kind === 'point_moved') points = points.map((point, i) => (i === index ? { ...point, x, y } : point));
    else if (kind === 'point_removed') points = points.filter((_, i) => i !== index);
    else if (kind === 'box') box = /** @type {Box} */ (step.box);
  }
  return { points, box };
}

/**
 * Put what the server keeps in hand into the hand: the object this device has in hand too, else the newest.
 * The others stay in the list as drafts.
 *
 * @param {Doc} truth  the server's masks, drafts in hand among them
 * @param {Current | null} mine  what this device has in hand
 * @param {(mask: Mask) => boolean} isMine  whether this person made it
 * @returns {Doc}
 */
export function takenInHand(truth, mine, isMine) {
  const drafts = truth.masks.filter((mask) => isInHand(mask) && isMine(mask));
  const taken = mine ? drafts.find((mask) => mask.id === mine.id) : drafts.at(-1);
  if (!taken) return truth;
  const current = mine && mine.steps.length >= taken.steps.length - 1 ? mine : resumed(taken);
  return { masks: truth.masks.filter((mask) => mask !== taken), current };
}
