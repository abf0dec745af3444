/**
 * Actions on the document: the list of masks and the object in hand.
 *
 * @typedef {import('./types.js').Doc} Doc
 * @typedef {import('./types.js').Mask} Mask
 * @typedef {import('./types.js').Current} Current
 * @typedef {import('./types.js').Rle} Rle
 * @typedef {import('./rasters.js').Size} Size
 * @typedef {object} MaskFacts
 * @property {Size} size
 * @property {string | null} modelVersion
 * @property {import('./overlap.js').OverlapRule} [overlapRule]  of the project; masks may overlap when absent
 */
import { areaOf, intersect } from '../geometry/raster.js';
import { area, boundingBoxOfRle } from '../geometry/rle.js';
import { pickColor } from './colors.js';
import { candidateRaster, chosenCandidate } from './candidates.js';
import { maskOf, newCurrent, reopenMask } from './current.js';
import { UNPAINTED } from './painted.js';
import { indexOf } from './mask_index.js';
import { areAlike, isInWhole, settled, withParent } from './overlap.js';
import { isEmpty, rasterOf, rleOf } from './rasters.js';

/**
 * @param {Doc} doc
 * @param {Current | null} current
 * @returns {Doc}
 */
export function inHand(doc, current) {
  return current === doc.current ? doc : { ...doc, current };
}

/**
 * Put the object in hand into the list. An empty mask stays in hand.
 *
 * @param {Doc} doc
 * @param {MaskFacts} facts
 * @returns {Doc}
 */
export function acceptCurrent(doc, facts) {
  const accepted = listed(doc, facts, { state: 'accepted', givenUp: false });
  return accepted === doc || !doc.current ? doc : settled(accepted, doc.current.id, facts.overlapRule ?? 'allowed');
}

/**
 * Accept the object in hand, and keep those of its other candidates that are parts of it as masks of their own, the
 * largest first, so that something is left of each where masks may not overlap.
 *
 * @param {Doc} doc
 * @param {MaskFacts} facts
 * @param {() => string} newId
 * @returns {Doc}
 */
export function acceptWithParts(doc, facts, newId) {
  const { current } = doc;
  const accepted = acceptCurrent(doc, facts);
  if (!current || accepted === doc) return doc;
  const kept = [maskOf(current, facts.size)];
  let result = accepted;
  const offered = current.candidates.flatMap((candidate) => {
    const raster = candidate.atClickOnly === undefined ? candidateRaster(candidate) : null;
    return raster ? [{ candidate, raster }] : [];
  });
  offered.sort((a, b) => areaOf(b.raster) - areaOf(a.raster));
  for (const { candidate, raster } of offered) {
    if (!isPart(raster, kept)) continue;
    kept.push(raster);
    const token = { kind: 'candidate', token: candidate.token, predicted_iou: candidate.predictedIou };
    const steps = [...current.steps.filter(({ kind }) => kind !== 'candidate' && kind !== 'stroke'), token, { kind: 'part_of', mask: current.id }];
    const part = { ...newCurrent(newId()), candidates: [candidate], answered: true, steps };
    const added = listed({ ...result, current: part }, facts, { state: 'accepted', givenUp: false });
    const masks = added.masks.map((mask) => (mask.id === part.id ? withParent(mask, current.id) : mask));
    result = settled({ ...added, masks }, part.id, facts.overlapRule ?? 'allowed');
  }
  return result;
}

/**
 * @param {import('./types.js').MaskRaster} raster
 * @param {readonly import('./types.js').MaskRaster[]} kept  the whole first
 */
function isPart(raster, kept) {
  const area = areaOf(raster);
  const shared = kept.map((one) => areaOf(intersect(one, raster)));
  return area > 0 && isInWhole(shared[0], area, areaOf(kept[0])) && !kept.some((one, i) => areAlike(shared[i], area, areaOf(one)));
}

/**
 * Leave the object in hand as a hard example. Without any mask there is nothing to keep.
 *
 * @param {Doc} doc
 * @param {MaskFacts} facts
 * @returns {Doc}
 */
export function giveUpCurrent(doc, facts) {
  const kept = listed(doc, facts, { state: 'draft', givenUp: true });
  return kept === doc ? inHand(doc, null) : kept;
}

/**
 * @param {Doc} doc
 * @param {MaskFacts} facts
 * @param {{state: Mask['state'], givenUp: boolean}} outcome
 * @returns {Doc}
 */
function listed(doc, facts, outcome) {
  const current = doc.current;
  if (!current || isEmpty(maskOf(current, facts.size))) return doc;
  const mask = { ...maskFromCurrent(doc, current, facts), ...outcome };
  const isListed = doc.masks.some((one) => one.id === mask.id);
  const masks = isListed ? doc.masks.map((one) => (one.id === mask.id ? mask : one)) : [...doc.masks, mask];
  return { masks, current: null };
}

/**
 * The object in hand as a mask of the list: in its old place when it was opened again, else the last.
 *
 * @param {Doc} doc
 * @param {Current} current
 * @param {MaskFacts} facts
 * @returns {Omit<Mask, 'state' | 'givenUp'>}
 */
export function maskFromCurrent(doc, current, { size, modelVersion }) {
  const raster = maskOf(current, size);
  const before = doc.masks.find((mask) => mask.id === current.id) ?? null;
  const candidate = chosenCandidate(current);
  return {
    id: current.id,
    rle: rleOf(raster),
    area: areaOf(raster),
    box: raster.box,
    color: before?.color ?? pickColor(doc.masks, raster.box),
    painted: current.painted,
    steps: current.steps,
    predictedIou: candidate ? candidate.predictedIou : (before?.predictedIou ?? null),
    modelVersion: candidate ? modelVersion : (before?.modelVersion ?? null),
    orderIndex: before?.orderIndex ?? nextOrder(doc),
    parent: before?.parent ?? null,
  };
}

/** @param {Doc} doc */
const nextOrder = (doc) => doc.masks.reduce((most, mask) => Math.max(most, mask.orderIndex + 1), 0);

/**
 * @param {Doc} doc
 * @param {string} id
 * @returns {Doc}
 */
export function deleteMask(doc, id) {
  const masks = doc.masks.filter((mask) => mask.id !== id);
  if (masks.length === doc.masks.length) return doc;
  return { masks, current: doc.current?.id === id ? null : doc.current };
}

/**
 * Move a mask in the list: its neighbour takes its place in the order.
 *
 * @param {Doc} doc
 * @param {string} id
 * @param {1 | -1} step  1 is later
 * @returns {Doc} the same when there is no neighbour
 */
export function moveMask(doc, id, step) {
  const from = doc.masks.findIndex((mask) => mask.id === id);
  const mask = doc.masks[from];
  const neighbour = doc.masks[from + step];
  if (!mask || !neighbour) return doc;
  const masks = [...doc.masks];
  masks[from + step] = { ...mask, orderIndex: neighbour.orderIndex };
  masks[from] = { ...neighbour, orderIndex: mask.orderIndex };
  return { ...doc, masks };
}

/**
 * @param {Doc} doc
 * @param {string} id
 * @returns {Doc}
 */
export function reopen(doc, id) {
  const mask = doc.masks.find((one) => one.id === id);
  return mask ? { ...doc, current: reopenMask(mask) } : doc;
}

/**
 * @param {Doc} doc
 * @param {number} x
 * @param {number} y
 * @param {ReadonlySet<string>} [hidden]  ids of masks that are not there for the eye
 * @returns {Mask | null} the smallest mask that covers the pixel
 */
export function maskAt(doc, x, y, hidden = new Set()) {
  const column = Math.floor(x);
  const row = Math.floor(y);
  return indexOf(doc.masks).smallestAt(column, row, (mask) => !hidden.has(mask.id) && covers(mask, column, row));
}

/**
 * @param {Mask} mask
 * @param {number} column
 * @param {number} row
 */
function covers(mask, column, row) {
  const [x0, y0, x1, y1] = mask.box;
  if (column < x0 || column >= x1 || row < y0 || row >= y1) return false;
  const raster = rasterOf(mask.rle);
  const [left, top, right] = raster.box;
  return raster.bits[(row - top) * (right - left) + (column - left)] === 1;
}

/** @param {Mask} mask  whether a reviewer sent it back as it is now */
export const isSentBack = (mask) => mask.review?.outcome === 'rejected';

/**
 * A mask as the server sends it.
 *
 * @typedef {object} ServerMask
 * @property {string} id
 * @property {Rle} rle
 * @property {number} [area]  of a mask that is not on the server yet it is counted here
 * @property {import('./types.js').Box} [bbox]
 * @property {'draft' | 'accepted' | 'deleted'} state
 * @property {number} order_index
 * @property {number | null} predicted_iou
 * @property {string | null} model_version
 * @property {boolean} given_up
 * @property {string | null} [parent]
 * @property {readonly Record<string, unknown>[]} [prompts]  provenance, in order
 * @property {import('./types.js').Review | null} [review]
 */

/**
 * @param {readonly ServerMask[]} rows
 * @returns {Doc} the masks that are not deleted, in the order they were made
 */
export function docFromServer(rows) {
  const kept = rows.filter((row) => row.state !== 'deleted');
  kept.sort((a, b) => a.order_index - b.order_index);
  /** @type {Mask[]} */
  const masks = [];
  for (const row of kept) masks.push(maskFromServer(row, masks));
  return { masks, current: null };
}

/**
 * @param {ServerMask} row
 * @param {readonly Mask[]} before
 * @returns {Mask}
 */
function maskFromServer(row, before) {
  const box = row.bbox ?? boundingBoxOfRle(row.rle);
  return {
    id: row.id,
    rle: row.rle,
    area: row.area ?? area(row.rle),
    box,
    color: pickColor(before, box),
    painted: UNPAINTED,
    steps: /** @type {readonly import('./types.js').Step[]} */ (row.prompts ?? []),
    predictedIou: row.predicted_iou,
    modelVersion: row.model_version,
    orderIndex: row.order_index,
    state: row.state === 'accepted' ? 'accepted' : 'draft',
    givenUp: row.given_up,
    parent: row.parent ?? null,
    review: row.review ?? null,
  };
}
