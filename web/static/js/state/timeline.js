/**
 * The undo timeline as it is kept on this device until the image is submitted.
 *
 * @typedef {import('./types.js').History} History
 * @typedef {import('./types.js').Moment} Moment
 * @typedef {import('./types.js').Doc} Doc
 * @typedef {import('./types.js').Current} Current
 * @typedef {import('./types.js').Candidate} Candidate
 * @typedef {{readonly schema: 1, readonly past: readonly Moment[], readonly present: Doc, readonly future: readonly Moment[]}} Timeline
 */
import { candidateRaster, chosenCandidate } from './candidates.js';
import { rleOf } from './rasters.js';

/** States nearer to the present than this keep the decoder's logits, so that undo needs no second decode. */
const WARM = 12;

/**
 * Let states far from the present keep only the exact mask that was chosen, not the logits of all candidates:
 * a day of clicks then stays small in memory and on disk.
 *
 * @param {History} history
 * @param {number} [warm]
 * @returns {History}
 */
export function cooled(history, warm = WARM) {
  const { past, future } = history;
  const cold = past.length - warm;
  const last = past[cold - 1];
  const coolPast = last && isWarm(last.doc) ? past.map((moment, i) => (i < cold ? cool(moment) : moment)) : past;
  return { past: coolPast, present: history.present, future };
}

/**
 * @param {History} history
 * @returns {Timeline} structured-cloneable, with the logits of the present only; their masks, which may be as large as
 *   the image, are made again from them
 */
export function timelineOf(history) {
  return { schema: 1, past: history.past.map(cool), present: withoutMasks(history.present), future: history.future.map(cool) };
}

/**
 * @param {Doc} doc
 * @returns {Doc}
 */
function withoutMasks(doc) {
  if (!doc.current) return doc;
  const candidates = doc.current.candidates.map((candidate) => (candidate.lowRes && candidate.frame ? { ...candidate, mask: null } : candidate));
  return { ...doc, current: { ...doc.current, candidates } };
}

/**
 * @param {unknown} stored
 * @returns {History | null} null when nothing readable was kept
 */
export function historyFrom(stored) {
  const timeline = /** @type {Partial<Timeline> | null | undefined} */ (stored);
  if (!timeline || timeline.schema !== 1 || !timeline.present || !timeline.past || !timeline.future) return null;
  return { past: timeline.past, present: timeline.present, future: timeline.future };
}

/** @param {Doc} doc */
const isWarm = (doc) => doc.current?.candidates.some(({ lowRes, mask }) => lowRes !== null || mask !== null) ?? false;

/** @type {WeakMap<Doc, Doc>} */
const coolDocs = new WeakMap();

/**
 * @param {Moment} moment
 * @returns {Moment}
 */
function cool(moment) {
  if (!isWarm(moment.doc)) return moment;
  const known = coolDocs.get(moment.doc) ?? { ...moment.doc, current: coolCurrent(moment.doc.current) };
  coolDocs.set(moment.doc, known);
  return { label: moment.label, doc: known };
}

/**
 * @param {Current | null} current
 * @returns {Current | null}
 */
function coolCurrent(current) {
  const candidate = current && chosenCandidate(current);
  if (!current || !candidate) return current;
  return { ...current, candidates: [coolCandidate(candidate)], chosen: 0, feed: null };
}

/**
 * @param {Candidate} candidate
 * @returns {Candidate}
 */
function coolCandidate(candidate) {
  const raster = candidate.rle ? null : candidateRaster(candidate);
  const rle = raster ? rleOf(raster) : candidate.rle;
  return { ...candidate, lowRes: null, mask: null, rle };
}

/**
 * Bring what this device remembers together with the masks that hold now: the server's, with this device's
 * unconfirmed changes laid over them. A mask that both know alike keeps what only this device knows of it. An
 * object that the truth has in hand is taken; without one, this device's stays in hand unless it is in the list.
 *
 * @param {History} local
 * @param {Doc} truth
 * @returns {History}
 */
export function reconciled(local, truth) {
  const mine = new Map(local.present.masks.map((mask) => [mask.id, mask]));
  const masks = truth.masks.map((mask) => {
    const own = mine.get(mask.id);
    const isSame = own?.rle.counts === mask.rle.counts && own.state === mask.state && (own.parent ?? null) === (mask.parent ?? null);
    return isSame ? own : mask;
  });
  const current = truth.current ?? local.present.current;
  const settled = current && !current.reopened && masks.some((mask) => mask.id === current.id);
  const same = masks.length === mine.size && masks.every((mask, i) => mask === local.present.masks[i]);
  if (same && !settled && current === local.present.current) return local;
  return { ...local, present: { masks, current: settled ? null : current } };
}
