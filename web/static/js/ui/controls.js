/**
 * Buttons that run a command and show its key.
 *
 * @typedef {(command: string) => void} Run
 */
import { make } from './elements.js';
import { icon } from './icons.js';
import { COMMANDS, keyCap, keyOf } from './keymap.js';

/**
 * A square button with a drawing, and the key below it.
 *
 * @param {object} options
 * @param {string} options.command
 * @param {string} [options.drawing]
 * @param {Run} options.run
 * @param {string} [options.class]
 * @param {string} [options.label]
 * @returns {HTMLButtonElement}
 */
export function iconButton({ command, drawing = command, run, class: name = 'tool', label = labelOf(command) }) {
  const key = keyOf(command);
  const button = make('button', {
    class: name,
    title: `${label} (${keyCap(key)})`,
    attributes: { type: 'button', 'aria-label': label, 'aria-keyshortcuts': ariaKey(key), 'data-command': command },
    on: { click: () => run(command) },
  });
  button.append(icon(drawing), make('span', { class: 'cap', text: keyCap(key), attributes: { 'aria-hidden': 'true' } }));
  return button;
}

/**
 * A button with a word, an optional drawing and the key behind it.
 *
 * @param {object} options
 * @param {string} options.command
 * @param {string} options.text
 * @param {string} [options.drawing]
 * @param {Run} options.run
 * @param {string} [options.class]
 * @returns {HTMLButtonElement}
 */
export function wordButton({ command, text, drawing, run, class: name = 'word' }) {
  const key = keyOf(command);
  const button = make('button', {
    class: name,
    title: labelOf(command),
    attributes: { type: 'button', 'aria-keyshortcuts': ariaKey(key), 'data-command': command },
    on: { click: () => run(command) },
  });
  if (drawing) button.append(icon(drawing));
  button.append(
    make('span', { class: 'word-text', text }),
    make('span', { class: 'cap', text: keyCap(key), attributes: { 'aria-hidden': 'true' } }),
  );
  return button;
}

/** @param {string} id */
export const labelOf = (id) => COMMANDS.find((one) => one.id === id)?.label ?? id;

/** @param {string} chord */
const ariaKey = (chord) => chord.replace('Ctrl', 'Control');
