/**
 * Actions on the object in hand: pure functions from one `Current` to the next.
 *
 * @typedef {import('./types.js').Current} Current
 * @typedef {import('./types.js').Candidate} Candidate
 * @typedef {import('./types.js').Mask} Mask
 * @typedef {import('./types.js').Point} Point
 * @typedef {import('./types.js').Box} Box
 * @typedef {import('./types.js').Painted} Painted
 * @typedef {import('./types.js').Stroke} Stroke
 * @typedef {import('./types.js').Step} Step
 * @typedef {import('./types.js').MaskRaster} MaskRaster
 * @typedef {import('./rasters.js').Size} Size
 */
import { boxOfFrame } from '../geometry/model_frame.js';
import { candidateRaster, chosenCandidate, offered } from './candidates.js';
import { decided, repainted, UNPAINTED, withPainted } from './painted.js';
import { emptyRaster, isEmpty, rasterOf, rleOf } from './rasters.js';
import { promptOf, takesMaskBox } from './whole_prompt.js';

/**
 * @param {string} id
 * @returns {Current}
 */
export function newCurrent(id) {
  return {
    id,
    reopened: false,
    points: [],
    box: null,
    candidates: [],
    chosen: 0,
    answered: false,
    feed: null,
    base: null,
    origin: null,
    painted: UNPAINTED,
    steps: [],
  };
}

/**
 * Take a mask of the list back into the hand. Its first decode is fed the mask itself. Clicks change only pieces of it at
 * first, unless clicks and boxes alone made it: then the model goes on from them.
 *
 * @param {Mask} mask
 * @returns {Current}
 */
export function reopenMask(mask) {
  const madeOf = promptOf(mask.steps);
  return {
    ...newCurrent(mask.id),
    reopened: true,
    base: mask.rle,
    origin: mask.rle,
    newPoints: [],
    atClickOnly: madeOf === null,
    madeOf,
    painted: mask.painted === UNPAINTED ? repainted(mask) : mask.painted,
    steps: mask.steps,
  };
}

/** @param {Current} current */
export const hasPrompt = (current) => current.points.length > 0 || current.box !== null;

/** @param {Current} current */
export const needsAnswer = (current) => hasPrompt(current) && !current.answered;

/** @type {WeakMap<Current, MaskRaster>} */
const shown = new WeakMap();

/**
 * The mask as it would be accepted now.
 *
 * @param {Current} current
 * @param {Size} size
 * @returns {MaskRaster}
 */
export function maskOf(current, size) {
  const known = shown.get(current);
  if (known) return known;
  const candidate = chosenCandidate(current);
  const answered = candidate ? candidateRaster(candidate) : null;
  const raster = answered ?? (current.base ? rasterOf(current.base) : emptyRaster(size));
  const mask = withPainted(raster, current.painted);
  shown.set(current, mask);
  return mask;
}

/**
 * What the next prompt starts from: the logits chosen now are fed back, and the mask stays on screen until
 * the decoder has answered.
 *
 * @param {Current} current
 * @param {Size} size
 * @returns {Current}
 */
function refined(current, size) {
  const candidate = chosenCandidate(current);
  const mask = candidate || current.painted !== UNPAINTED ? maskOf(current, size) : null;
  return {
    ...current,
    feed: candidate?.lowRes ?? (candidate ? null : current.feed),
    feedFrame: candidate ? candidate.frame : current.feedFrame,
    base: mask && !isEmpty(mask) ? rleOf(mask) : current.base,
    newPoints: current.answered ? [] : current.newPoints,
    candidates: [],
    chosen: 0,
    answered: false,
  };
}

/**
 * Logits of a prompt that no longer stands would speak for it: they are left out.
 *
 * @param {Current} current
 * @param {Size} size
 * @returns {Current}
 */
function withoutFeed(current, size) {
  return { ...refined(current, size), feed: null, base: current.origin };
}

/**
 * @param {Current} current  with points that are other than before
 * @returns {Current} about which all of them are asked anew
 */
const askedAnew = (current) => ({ ...current, newPoints: current.box ? null : current.points });

/**
 * @param {Current} current
 * @param {Point} point
 * @param {Size} size
 * @returns {Current}
 */
export function addPoint(current, point, size) {
  const next = refined(current, size);
  return {
    ...next,
    newPoints: next.newPoints && [...next.newPoints, point],
    points: [...current.points, point],
    steps: [...current.steps, { kind: 'point', x: point.x, y: point.y, label: point.label }],
  };
}

/**
 * @param {Current} current
 * @param {number} index
 * @param {{x: number, y: number}} to
 * @param {Size} size
 * @returns {Current}
 */
export function movePoint(current, index, to, size) {
  const points = current.points.map((point, i) => (i === index ? { ...point, x: to.x, y: to.y } : point));
  const steps = [...current.steps, { kind: 'point_moved', index, x: to.x, y: to.y }];
  return askedAnew({ ...withoutFeed(current, size), points, steps });
}

/**
 * @param {Current} current
 * @param {number} index
 * @param {Size} size
 * @returns {Current}
 */
export function removePoint(current, index, size) {
  const points = current.points.filter((_, i) => i !== index);
  const steps = [...current.steps, { kind: 'point_removed', index }];
  return askedAnew({ ...withoutFeed(current, size), points, steps });
}

/**
 * @param {Current} current
 * @param {Box} box
 * @param {Size} size
 * @returns {Current}
 */
export function setBox(current, box, size) {
  const next = current.box ? withoutFeed(current, size) : refined(current, size);
  return { ...next, box, newPoints: null, steps: [...current.steps, { kind: 'box', box }] };
}

/**
 * The decoder's answer to the prompt of `current`.
 *
 * @param {Current} current
 * @param {readonly Candidate[]} answers  best predicted IoU first
 * @param {number | null} grain  the token chosen for the object before
 * @returns {Current}
 */
export function answer(current, answers, grain) {
  const candidates = offered(current, answers);
  const isWanted = (/** @type {Candidate} */ one) => (one.atClickOnly === undefined ? one.token === grain : one.atClickOnly === current.atClickOnly);
  const chosen = Math.max(0, candidates.findIndex(isWanted));
  return { ...current, candidates, chosen, answered: true, steps: answeredBy(current, candidates[chosen]) };
}

const PROMPTS = new Set(['point', 'point_moved', 'point_removed', 'box']);

/**
 * The last prompt says in which crop it was answered, whether the box of the opened mask went with it and whether only
 * pieces of the answer were taken, so that nobody takes the mask for the model's answer to these prompts alone.
 *
 * @param {Current} current
 * @param {Candidate | undefined} candidate
 * @returns {readonly Step[]}
 */
function answeredBy(current, candidate) {
  const { steps } = current;
  const last = steps.findLastIndex(({ kind }) => PROMPTS.has(kind));
  if (last < 0) return steps;
  const { crop: _, with_mask_box: __, at_click_only: ___, ...step } = steps[last];
  const { frame, atClickOnly } = candidate ?? {};
  const marks = {
    ...(frame?.within && { crop: boxOfFrame(frame) }),
    ...(takesMaskBox(current) && { with_mask_box: true }),
    ...(atClickOnly && { at_click_only: true }),
  };
  return steps.with(last, { ...step, ...marks });
}

/**
 * @param {Current} current
 * @param {number} index
 * @returns {Current}
 */
export function chooseCandidate(current, index) {
  const candidate = current.candidates[index];
  if (!candidate || index === current.chosen) return current;
  if (candidate.atClickOnly !== undefined) {
    return { ...current, chosen: index, atClickOnly: candidate.atClickOnly, steps: answeredBy(current, candidate) };
  }
  const steps = [...current.steps, { kind: 'candidate', token: candidate.token, predicted_iou: candidate.predictedIou }];
  return { ...current, chosen: index, steps };
}

/**
 * Paint or erase. The last stroke over a pixel decides, and no later click undoes it.
 *
 * @param {Current} current
 * @param {Stroke} stroke
 * @param {MaskRaster} area  the pixels the stroke covers
 * @returns {Current}
 */
export function paint(current, stroke, area) {
  const painted = decided(current.painted, area, stroke.mode === 'brush');
  return { ...current, painted, steps: [...current.steps, { kind: 'stroke', ...stroke }] };
}

/**
 * Fill holes and drop specks. What a person decided so stays, like paint.
 *
 * @param {Current} current
 * @param {number} minArea  as it was asked for
 * @param {{filled: MaskRaster, dropped: MaskRaster}} change
 * @returns {Current}
 */
export function cleaned(current, minArea, { filled, dropped }) {
  const painted = decided(decided(current.painted, filled, true), dropped, false);
  return { ...current, painted, steps: [...current.steps, { kind: 'clean_up', min_area: minArea }] };
}
