/**
 * Keys as the hand presses them and as they are written: from events to chords, from chords to key caps.
 *
 * @typedef {import('../state/keys.js').Keys} Keys
 */
import { labelOf } from '../state/keys.js';

/** What the hand does with the pointer and with keys that cannot be changed, for the sheet only. */
export const GESTURES = [
  { group: 'Pointer', label: 'Add the object under the pointer', keys: ['Click'] },
  { group: 'Pointer', label: 'Take a spot away', keys: ['Right click', 'Alt+Click'] },
  { group: 'Pointer', label: 'Draw a box', keys: ['Drag'] },
  { group: 'Pointer', label: 'Remove a point; drag to move it', keys: ['Click it'] },
  { group: 'Pointer', label: 'Select the mask under the pointer', keys: ['Ctrl+Click'] },
  { group: 'Pointer', label: 'Zoom', keys: ['Wheel'] },
  { group: 'Pointer', label: 'Brush size', keys: ['Shift+Wheel'] },
  { group: 'Pointer', label: 'Move the image', keys: ['Space+Drag', 'Middle drag'] },
  { group: 'Pointer', label: 'Swap brush and eraser', keys: ['Alt'] },
  { group: 'View', label: 'Move the crosshair (Shift: one pixel)', keys: ['Arrows'] },
];

const MODIFIERS = new Set(['Control', 'Shift', 'Alt', 'Meta', 'AltGraph', 'CapsLock', 'Dead', 'Process', 'Unidentified']);

/**
 * @typedef {object} Press
 * @property {string} key
 * @property {string} [code]
 * @property {boolean} ctrlKey
 * @property {boolean} metaKey  the command key of a Mac counts as Ctrl
 * @property {boolean} altKey
 * @property {boolean} shiftKey
 */

/**
 * The names of a press, the one a person would say first: 'Ctrl+Shift+Z'. A digit with Shift is also the sign that
 * stands above it, and a letter of another alphabet also the Latin one of its key.
 *
 * @param {Press} event
 * @returns {string[]} none for a modifier alone
 */
export function chordsOf(event) {
  if (MODIFIERS.has(event.key)) return [];
  const { code = '' } = event;
  const digit = event.shiftKey && !event.altKey ? /^Digit(\d)$/.exec(code)?.[1] : undefined;
  const latin = /^[^\u0000-\u007f]$/u.test(event.key) ? /^Key([A-Z])$/.exec(code)?.[1] : undefined;
  const chord = chordOf(event, event.key);
  if (digit !== undefined && digit !== event.key) return [`${held(event)}Shift+${digit}`, chord];
  return latin ? [chord, chordOf(event, latin)] : [chord];
}

/**
 * @param {Press} event
 * @param {string} name  of the key
 */
function chordOf(event, name) {
  const key = name === ' ' ? 'Space' : name.length === 1 ? name.toUpperCase() : name;
  const shifts = event.shiftKey && (key.length > 1 || /\p{L}/u.test(key));
  return `${held(event)}${shifts ? 'Shift+' : ''}${key}`;
}

/** @param {Press} event */
const held = (event) => `${event.ctrlKey || event.metaKey ? 'Ctrl+' : ''}${event.altKey ? 'Alt+' : ''}`;

/** @type {Readonly<Record<string, string>>} */
const SHORT = { Escape: 'Esc', Delete: 'Del', Backspace: '⌫', Enter: '↵', 'Ctrl+Enter': 'Ctrl ↵', Tab: 'Tab ⇥' };

/**
 * @param {string} chord
 * @returns {string} as it is written on a key cap
 */
export function keyCap(chord) {
  return SHORT[chord] ?? chord.replace(/\+(?!$)/g, ' ');
}

/**
 * @param {Keys} keys
 * @param {string} id
 * @returns {string} the first key of a command as on its cap; empty when it has none
 */
export const capOf = (keys, id) => keyCap(keys[id]?.[0] ?? '');

/**
 * For sentences such as 'Press B', in letters: the signs of the caps are for caps.
 *
 * @param {Keys} keys
 * @param {string} id
 */
export function keyWords(keys, id) {
  const chord = keys[id]?.[0];
  return chord === undefined ? `“${labelOf(id)}”` : chord.replace('Escape', 'Esc').replace(/\+(?!$)/g, ' ');
}

/** @typedef {{element: Element | null, hasCandidates: boolean}} Focus */

const FIELD = 'input:not([type=range], [type=checkbox], [type=radio]), textarea, select';
const CONTROL = 'button, a, summary, input, select';

/**
 * Whether a chord belongs to the control that has the focus instead of to the workbench.
 *
 * @param {string} chord
 * @param {Focus} focus
 */
export function belongsToControl(chord, { element, hasCandidates }) {
  if (!element) return false;
  if (element.matches(FIELD)) return chord !== 'Escape';
  const onControl = element.matches(CONTROL);
  if (['Enter', 'Space'].includes(chord)) return onControl;
  if (chord.startsWith('Arrow') || chord.startsWith('Shift+Arrow')) return onControl;
  if (chord === 'Tab' || chord === 'Shift+Tab') return onControl || !hasCandidates;
  return false;
}
