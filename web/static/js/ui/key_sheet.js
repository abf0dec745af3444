/** The sheet of all keys, made from the table of commands. */
import { make } from './elements.js';
import { COMMANDS, GESTURES, keyCap } from './keymap.js';

const GROUPS = ['Pointer', 'Masks', 'Candidates', 'Tools', 'View', 'Images', 'Help'];

/**
 * @param {HTMLDialogElement} dialog
 * @returns {() => void} opens the sheet, or closes it when it is open
 */
export function keySheet(dialog) {
  const close = make('button', {
    class: 'word word-quiet',
    text: 'Close',
    attributes: { type: 'button' },
    on: { click: () => dialog.close() },
  });
  const heading = make('h2', { text: 'Keys', attributes: { id: 'keys-heading' } });
  dialog.setAttribute('aria-labelledby', 'keys-heading');
  dialog.append(
    make('div', { class: 'sheet-head' }, heading, close),
    make('div', { class: 'sheet-groups' }, ...GROUPS.map(group)),
  );
  dialog.addEventListener('click', (event) => event.target === dialog && dialog.close());
  return () => (dialog.open ? dialog.close() : dialog.showModal());
}

/** @param {string} name */
function group(name) {
  const rows = [...COMMANDS, ...GESTURES].filter((one) => one.group === name);
  return make(
    'section',
    { class: 'sheet-group' },
    make('h3', { text: name }),
    make('dl', {}, ...rows.map((row) => make('div', { class: 'sheet-row' }, make('dt', { text: row.label }), keysOf(row.keys)))),
  );
}

/** @param {readonly string[]} keys */
function keysOf(keys) {
  const shown = keys.slice(0, 2);
  return make('dd', {}, ...shown.flatMap((key, i) => [...(i ? [' or '] : []), make('kbd', { text: keyCap(key) })]));
}
