/** Why a reviewer sends a mask back, in the order of the keys 1 to 7. */

/** @type {readonly {id: string, label: string}[]} */
export const REJECT_REASONS = Object.freeze([
  { id: 'inexact_edge', label: 'The edge is not exact' },
  { id: 'missing_part', label: 'A part is missing' },
  { id: 'too_much', label: 'It covers too much' },
  { id: 'several_objects', label: 'Several objects in one mask' },
  { id: 'not_an_object', label: 'Not an object' },
  { id: 'duplicate', label: 'The object has a mask already' },
  { id: 'other', label: 'Another reason' },
]);

/** @param {string} id */
export const reasonText = (id) => REJECT_REASONS.find((one) => one.id === id)?.label ?? id;
