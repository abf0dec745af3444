/**
 * What the server has to hear about when the document went from one state to another. Accepting, deleting,
 * undoing and redoing all come down to this comparison.
 *
 * @typedef {import('./types.js').Doc} Doc
 * @typedef {import('./types.js').Mask} Mask
 * @typedef {{readonly kind: 'save' | 'delete', readonly mask: Mask}} Change
 */

/**
 * @param {Doc} before
 * @param {Doc} after
 * @returns {Change[]}
 */
export function changesBetween(before, after) {
  if (before.masks === after.masks) return [];
  const old = new Map(before.masks.map((mask) => [mask.id, mask]));
  /** @type {Change[]} */
  const changes = [];
  for (const mask of after.masks) {
    if (!sameForServer(old.get(mask.id), mask)) changes.push({ kind: 'save', mask });
    old.delete(mask.id);
  }
  for (const mask of old.values()) changes.push({ kind: 'delete', mask });
  return changes;
}

/**
 * @param {Mask | undefined} one
 * @param {Mask} other
 */
export function sameForServer(one, other) {
  if (!one) return false;
  if (one === other) return true;
  return (
    one.rle.counts === other.rle.counts &&
    one.state === other.state &&
    one.givenUp === other.givenUp &&
    one.orderIndex === other.orderIndex &&
    (one.parent ?? null) === (other.parent ?? null)
  );
}
