// Changing any number of images, so many in one request as the server takes.

/** @typedef {import('../api/types.js').ImageChanges} ImageChanges */
/** @typedef {import('../api/types.js').ImageChangeReport} ImageChangeReport */
/** @typedef {import('../api/types.js').RefusedImage} RefusedImage */

/**
 * Batch after batch; what a fault keeps from being sent is neither changed nor refused.
 * @param {readonly string[]} images ids
 * @param {object} options
 * @param {number} options.most  in one request
 * @param {(images: string[]) => Promise<ImageChangeReport>} options.change
 * @param {(report: ImageChangeReport, seen: number) => void} options.onBatch  `seen`: images answered so far
 * @returns {Promise<unknown>} the fault that ended it; null when all were answered
 */
export async function changeInBatches(images, { most, change, onBatch }) {
  try {
    for (let from = 0; from < images.length; from += most) {
      const batch = images.slice(from, from + most);
      onBatch(await change(batch), from + batch.length);
    }
    return null;
  } catch (fault) {
    return fault;
  }
}

/**
 * The refused ones by why, in the order in which the reasons came.
 * @param {readonly RefusedImage[]} refused
 * @returns {{reason: string, names: string[]}[]}
 */
export function byReason(refused) {
  /** @type {Map<string, string[]>} */
  const reasons = new Map();
  for (const { message, name } of refused) reasons.set(message, [...(reasons.get(message) ?? []), name]);
  return [...reasons].map(([reason, names]) => ({ reason, names }));
}
