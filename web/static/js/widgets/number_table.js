// Tables of numbers, with bars in the cells where a bar says it faster.

import { element, fill } from './elements.js';

/**
 * @template Row
 * @typedef {object} Column
 * @property {string} title
 * @property {(row: Row) => string} text
 * @property {(row: Row) => Node | null} [picture] beside the text
 * @property {boolean} [isWord] aligned as words are
 */

/**
 * Writes heading and rows; the first column heads its row.
 * @template Row
 * @param {HTMLTableElement} table
 * @param {readonly Column<Row>[]} columns
 * @param {readonly Row[]} rows
 * @param {string} nothing stands alone when there are no rows
 */
export function fillTable(table, columns, rows, nothing) {
  const heads = columns.map(({ title, isWord = false }, place) => element('th', { scope: 'col', class: isWord || place === 0 ? null : 'number' }, title));
  const lines = rows.map((row) => element('tr', {}, ...columns.map((column, place) => cell(column, row, place))));
  const none = element('tr', {}, element('td', { colspan: columns.length, class: 'quiet' }, nothing));
  fill(table, element('thead', {}, element('tr', {}, ...heads)), element('tbody', {}, ...(lines.length > 0 ? lines : [none])));
}

/**
 * @template Row
 * @param {Column<Row>} column @param {Row} row @param {number} place
 * @returns {HTMLElement}
 */
function cell({ text, picture, isWord = false }, row, place) {
  if (place === 0) return element('th', { scope: 'row' }, text(row));
  const drawn = picture?.(row) ?? null;
  const kind = isWord ? 'one-line' : drawn === null ? 'number' : 'number with-bar';
  return element('td', { class: kind }, drawn, element('span', {}, text(row)));
}

/**
 * A bar that fills a share of its cell.
 * @param {number | null} share 0 to 1
 * @param {string} [style] a second class
 * @returns {HTMLElement | null}
 */
export function shareBar(share, style = '') {
  if (share === null) return null;
  const made = element('span', { class: `cell-bar ${style}`, 'aria-hidden': 'true' }, element('span'));
  made.style.setProperty('--share', String(Math.min(1, Math.max(0, share))));
  return made;
}

/**
 * Parts of a whole side by side.
 * @param {readonly {share: number, style: string}[]} parts
 * @returns {HTMLElement}
 */
export function stackedBar(parts) {
  const made = element('span', { class: 'stacked-bar', 'aria-hidden': 'true' });
  for (const { share, style } of parts) {
    const part = element('span', { class: style });
    part.style.setProperty('flex-grow', String(share));
    made.append(part);
  }
  return made;
}

