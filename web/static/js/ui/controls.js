/**
 * Buttons that run a command and show its key.
 *
 * @typedef {import('../state/keys.js').Keys} Keys
 * @typedef {(command: string) => void} Run
 */
import { FIRST_KEYS, labelOf } from '../state/keys.js';
import { make, setAttributes, setText } from './elements.js';
import { icon } from './icons.js';
import { capOf } from './keymap.js';

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
  const button = make('button', {
    class: name,
    attributes: { type: 'button', 'aria-label': label, 'data-command': command, 'data-titled': true },
    on: { click: () => run(command) },
  });
  button.append(icon(drawing), make('span', { class: 'cap', attributes: { 'aria-hidden': 'true' } }));
  showKey(button, FIRST_KEYS);
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
  const button = make('button', {
    class: name,
    title: labelOf(command),
    attributes: { type: 'button', 'data-command': command },
    on: { click: () => run(command) },
  });
  if (drawing) button.append(icon(drawing));
  button.append(make('span', { class: 'word-text', text }), make('span', { class: 'cap', attributes: { 'aria-hidden': 'true' } }));
  showKey(button, FIRST_KEYS);
  return button;
}

/**
 * @param {Element} button
 * @param {string} drawing
 */
export function setIcon(button, drawing) {
  if (button.getAttribute('data-drawing') === drawing) return;
  button.setAttribute('data-drawing', drawing);
  button.querySelector('.icon')?.replaceWith(icon(drawing));
}

/**
 * Write the keys as they are now on every control below an element.
 *
 * @param {Element} host
 * @param {Keys} keys
 */
export function showKeys(host, keys) {
  for (const button of host.querySelectorAll('button[data-command]')) showKey(button, keys);
}

/**
 * @param {Element} button
 * @param {Keys} keys
 */
function showKey(button, keys) {
  const command = button.getAttribute('data-command') ?? '';
  const cap = capOf(keys, command);
  const mark = button.querySelector(':scope > .cap');
  if (mark instanceof HTMLElement) {
    setText(mark, cap);
    mark.hidden = cap === '';
  }
  setAttributes(button, { 'aria-keyshortcuts': (keys[command] ?? []).map(ariaKey).join(' ') || null });
  if (button.hasAttribute('data-titled')) setAttributes(button, { title: withCap(labelOf(command), cap) });
}

/**
 * @param {string} words
 * @param {string} cap
 */
export const withCap = (words, cap) => (cap ? `${words} (${cap})` : words);

/** @param {string} chord */
const ariaKey = (chord) => chord.replace('Ctrl', 'Control').replace(/\+$/, 'Plus');
