/**
 * What an accepted mask does to those it overlaps, by the rule of the project. Whoever is a part of another keeps its
 * pixels and leaves the other its own; of two that are not related the newer takes what they share.
 *
 * @typedef {import('./types.js').Doc} Doc
 * @typedef {import('./types.js').Mask} Mask
 * @typedef {'allowed' | 'exclusive' | 'parent_child'} OverlapRule
 */
import { isEmptyBox, overlap } from '../geometry/boxes.js';
import { areaOf, intersect, subtract } from '../geometry/raster.js';
import { decided, repainted, UNPAINTED } from './painted.js';
import { rasterOf, rleOf } from './rasters.js';

/** How much of a part must lie in the whole. */
const IN_WHOLE = 0.9;
/** Masks more alike than this are one. */
const ALIKE_IOU = 0.9;

/**
 * @param {number} shared  pixels
 * @param {number} part  pixels
 * @param {number} whole  pixels
 */
export const isInWhole = (shared, part, whole) => shared >= IN_WHOLE * part && !areAlike(shared, part, whole);

/**
 * @param {number} shared  pixels
 * @param {number} one  pixels
 * @param {number} other  pixels
 */
export const areAlike = (shared, one, other) => shared > ALIKE_IOU * (one + other - shared);

/**
 * @param {Doc} doc
 * @param {string} id  of the mask that was accepted just now
 * @param {OverlapRule} rule
 * @returns {Doc} without the masks of which nothing is left
 */
export function settled(doc, id, rule) {
  if (rule === 'allowed' || !doc.masks.some((mask) => mask.id === id)) return doc;
  const masks = rule === 'parent_child' ? joined(doc.masks, id) : doc.masks;
  const newest = /** @type {Mask} */ (masks.find((mask) => mask.id === id));
  const family = rule === 'parent_child' ? familyOf(masks, newest) : new Set([id]);
  const left = masks.map((mask) => (family.has(mask.id) ? mask : without(mask, newest)));
  return { ...doc, masks: left.filter((mask) => mask.area > 0) };
}

/**
 * The newest mask becomes a part of the smallest one that it lies in, and what lies in it becomes a part of it.
 *
 * @param {readonly Mask[]} masks
 * @param {string} id  of the newest
 * @returns {readonly Mask[]}
 */
function joined(masks, id) {
  const newest = /** @type {Mask} */ (masks.find((mask) => mask.id === id));
  const { around, inside } = neighbours(masks, newest);
  const parent = [...around].sort((a, b) => a.area - b.area)[0]?.id ?? null;
  const wholes = new Set(around.map((mask) => mask.id));
  const known = new Set(masks.map((mask) => mask.id));
  const taken = new Set(inside.filter((mask) => !mask.parent || wholes.has(mask.parent) || !known.has(mask.parent)));
  return masks.map((mask) => {
    if (mask === newest) return withParent(mask, parent);
    if (taken.has(mask)) return withParent(mask, id);
    return wholes.has(mask.id) && mask.parent === id ? withParent(mask, newest.parent ?? null) : mask; // it had been the inner one
  });
}

/**
 * @param {readonly Mask[]} masks
 * @param {Mask} newest
 * @returns {{around: Mask[], inside: Mask[]}}
 */
function neighbours(masks, newest) {
  const raster = rasterOf(newest.rle);
  /** @type {Mask[]} */
  const around = [];
  /** @type {Mask[]} */
  const inside = [];
  for (const mask of masks) {
    if (mask === newest || mask.state !== 'accepted' || !meet(mask, newest)) continue;
    const shared = areaOf(intersect(raster, rasterOf(mask.rle)));
    if (mask.area > newest.area && isInWhole(shared, newest.area, mask.area)) around.push(mask);
    if (mask.area < newest.area && isInWhole(shared, mask.area, newest.area)) inside.push(mask);
  }
  return { around, inside };
}

/**
 * @param {Mask} mask
 * @param {string | null} parent
 * @returns {Mask}
 */
export const withParent = (mask, parent) => ((mask.parent ?? null) === parent ? mask : { ...mask, parent });

/**
 * @param {readonly Mask[]} masks
 * @param {Mask} newest
 * @returns {Set<string>} ids of the mask, of what it is a part of, and of what is a part of it, over any number of steps
 */
function familyOf(masks, newest) {
  const parents = new Map(masks.map((mask) => [mask.id, mask.parent ?? null]));
  const family = new Set([newest.id]);
  for (let id = parents.get(newest.id); id && !family.has(id); id = parents.get(id)) family.add(id);
  const below = [newest.id];
  for (let id = below.pop(); id !== undefined; id = below.pop()) {
    for (const [child, parent] of parents) {
      if (parent !== id || family.has(child)) continue;
      family.add(child);
      below.push(child);
    }
  }
  return family;
}

/**
 * A mask that gives the pixels it shares with another to it. They stay given, whatever is clicked later.
 *
 * @param {Mask} mask
 * @param {Mask} taker
 * @returns {Mask}
 */
function without(mask, taker) {
  if (!meet(mask, taker)) return mask;
  const shared = intersect(rasterOf(mask.rle), rasterOf(taker.rle));
  if (areaOf(shared) === 0) return mask;
  const raster = subtract(rasterOf(mask.rle), shared);
  const painted = decided(mask.painted === UNPAINTED ? repainted(mask) : mask.painted, shared, false);
  const steps = [...mask.steps, { kind: 'overlap', taken_by: taker.id }];
  return { ...mask, rle: rleOf(raster), area: areaOf(raster), box: raster.box, painted, steps, review: null };
}

/**
 * @param {Mask} one
 * @param {Mask} other
 */
const meet = (one, other) => !isEmptyBox(overlap(one.box, other.box));
