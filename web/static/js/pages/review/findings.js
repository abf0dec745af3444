/** What automatic checks find, in words. */

/** @type {Record<import('../../api/types.js').Finding, string>} */
export const FINDINGS = {
  empty: 'Hardly any pixels',
  specks: 'Specks',
  border: 'Touches the border',
  duplicate: 'Twice the same',
  too_fast: 'Very fast',
};
