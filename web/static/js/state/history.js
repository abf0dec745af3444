/**
 * One undo timeline: a stack of whole states that share what did not change.
 *
 * @typedef {import('./types.js').Doc} Doc
 * @typedef {import('./types.js').History} History
 */

/** @type {Doc} */
export const EMPTY_DOC = Object.freeze({ masks: Object.freeze([]), current: null });

/**
 * @param {Doc} [doc]
 * @returns {History}
 */
export function newHistory(doc = EMPTY_DOC) {
  return { past: [], present: doc, future: [] };
}

/**
 * Make `doc` the present and let undo come back to what was. Nothing happens when the act changed nothing.
 *
 * @param {History} history
 * @param {string} label  names the act, as in 'Undo stroke'
 * @param {Doc} doc
 * @returns {History}
 */
export function commit(history, label, doc) {
  if (doc === history.present) return history;
  return { past: [...history.past, { label, doc: history.present }], present: doc, future: [] };
}

/**
 * Replace the present without a step of its own: an answer of the decoder, the choice of a candidate.
 *
 * @param {History} history
 * @param {Doc} doc
 * @returns {History}
 */
export function amend(history, doc) {
  return doc === history.present ? history : { ...history, present: doc };
}

/**
 * @param {History} history
 * @returns {History}
 */
export function undo(history) {
  const last = history.past.at(-1);
  if (!last) return history;
  return {
    past: history.past.slice(0, -1),
    present: last.doc,
    future: [{ label: last.label, doc: history.present }, ...history.future],
  };
}

/**
 * @param {History} history
 * @returns {History}
 */
export function redo(history) {
  const [next, ...future] = history.future;
  if (!next) return history;
  return { past: [...history.past, { label: next.label, doc: history.present }], present: next.doc, future };
}

/** @param {History} history */
export const undoLabel = (history) => history.past.at(-1)?.label ?? null;

/** @param {History} history */
export const redoLabel = (history) => history.future[0]?.label ?? null;
