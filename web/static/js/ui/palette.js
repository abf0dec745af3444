/**
 * The palette: every command by its name, with its keys.
 *
 * @typedef {import('../state/keys.js').Keys} Keys
 * @typedef {import('../state/keys.js').Command} Command
 */
import { COMMANDS } from '../state/keys.js';
import { make, setAttributes } from './elements.js';
import { keyCap } from './keymap.js';

const LISTED = COMMANDS.filter(({ id, held }) => id !== 'palette' && !held);

/**
 * @param {object} options
 * @param {HTMLDialogElement} options.dialog
 * @param {() => Keys} options.keys
 * @param {(command: string) => void} options.run
 * @returns {() => void} opens it
 */
export function palette({ dialog, keys, run }) {
  /** @type {{found: readonly Command[], chosen: number}} */
  const state = { found: LISTED, chosen: 0 };
  const field = make('input', {
    class: 'palette-field',
    attributes: {
      type: 'text', role: 'combobox', autocomplete: 'off', spellcheck: 'false', placeholder: 'What do you want to do?',
      'aria-label': 'Command', 'aria-controls': 'palette-list', 'aria-expanded': 'true', 'aria-autocomplete': 'list',
    },
    on: { input: () => look(), keydown: (/** @type {KeyboardEvent} */ event) => move(event) },
  });
  const list = make('ul', { class: 'palette-list', attributes: { id: 'palette-list', role: 'listbox', 'aria-label': 'Commands' } });
  const none = make('p', { class: 'palette-none quiet', text: 'No command has this name', attributes: { role: 'status' } });
  dialog.setAttribute('aria-label', 'Find a command');
  dialog.append(field, list, none);
  dialog.addEventListener('click', (event) => event.target === dialog && dialog.close());
  return () => {
    field.value = '';
    look();
    dialog.showModal();
    field.focus();
  };

  function look() {
    state.found = matching(field.value);
    state.chosen = 0;
    list.replaceChildren(...state.found.map(item));
    list.hidden = state.found.length === 0;
    none.hidden = state.found.length > 0;
    mark();
  }

  /** @param {KeyboardEvent} event */
  function move(event) {
    const count = state.found.length;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === 'Enter' && count) {
      event.preventDefault();
      event.stopPropagation(); // the workbench would take it for its own once the palette is closed
      choose(state.found[state.chosen].id);
    }
    if (step === undefined || !count) return;
    event.preventDefault();
    state.chosen = (state.chosen + step + count) % count;
    mark();
  }

  function mark() {
    [...list.children].forEach((child, i) => setAttributes(child, { 'aria-selected': String(i === state.chosen) }));
    const chosen = list.children[state.chosen];
    setAttributes(field, { 'aria-activedescendant': chosen?.id });
    chosen?.scrollIntoView({ block: 'nearest' });
  }

  /** @param {string} id */
  function choose(id) {
    dialog.close();
    run(id);
  }

  /** @param {Command} command */
  function item({ id, label, group }) {
    return make(
      'li',
      { class: 'palette-item', attributes: { role: 'option', id: `palette-${id}` }, on: { click: () => choose(id) } },
      make('span', { text: label }),
      make('span', { class: 'palette-group', text: group }),
      make('span', { class: 'palette-keys' }, ...keys()[id].slice(0, 2).map((chord) => make('kbd', { text: keyCap(chord) }))),
    );
  }
}

/**
 * @param {string} typed
 * @returns {readonly Command[]} commands whose name or group has every word; those whose name starts so come first
 */
function matching(typed) {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  const found = LISTED.filter(({ label, group }) => words.every((word) => `${label} ${group}`.toLowerCase().includes(word)));
  const starts = (/** @type {Command} */ { label }) => label.toLowerCase().startsWith(words[0] ?? '');
  return [...found.filter(starts), ...found.filter((one) => !starts(one))];
}
