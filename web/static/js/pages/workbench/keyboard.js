/**
 * Keys of the workbench, told to its commands.
 *
 * @typedef {object} KeyboardOptions
 * @property {(command: string) => void} run
 * @property {() => boolean} hasCandidates
 * @property {(held: boolean) => void} invert  Alt
 * @property {(held: boolean) => void} peek  H
 * @property {(dx: number, dy: number, fine: boolean) => void} moveCrosshair
 * @property {AbortSignal} signal
 */
import { belongsToControl, chordOf, commandFor } from '../../ui/keymap.js';

/** @type {Readonly<Record<string, readonly [number, number]>>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** Commands that may run again and again while the key is held. */
const REPEATS = new Set(['undo', 'redo', 'brush_smaller', 'brush_larger', 'zoom_in', 'zoom_out', 'candidate_next', 'candidate_previous']);

/** @param {KeyboardOptions} options */
export function listenToKeys(options) {
  const { signal } = options;
  document.addEventListener('keydown', (event) => pressed(event, options), { signal });
  document.addEventListener('keyup', (event) => released(event, options), { signal });
  document.addEventListener('pointerdown', () => void delete document.body.dataset.hand, { signal });
  window.addEventListener('blur', () => releaseAll(options), { signal });
}

/**
 * @param {KeyboardEvent} event
 * @param {KeyboardOptions} options
 */
function pressed(event, options) {
  if (event.key === 'Tab') document.body.dataset.hand = 'keyboard';
  const dialog = document.querySelector('dialog[open]');
  const chord = chordOf(event);
  const command = commandFor(chord);
  if (dialog && !(command === 'keys' && dialog.id === 'keys')) return;
  if (event.isComposing || belongsToControl(chord, { element: document.activeElement, hasCandidates: options.hasCandidates() })) return;
  if (event.key === 'Alt') return keep(event, () => options.invert(true));
  if (chord === 'H') return keep(event, () => options.peek(true));
  const arrow = ARROWS[event.key];
  if (arrow && !event.ctrlKey && !event.altKey) return keep(event, () => options.moveCrosshair(arrow[0], arrow[1], event.shiftKey));
  if (!command || (event.repeat && !REPEATS.has(command))) return;
  keep(event, () => options.run(command));
}

/**
 * @param {KeyboardEvent} event
 * @param {() => void} act
 */
function keep(event, act) {
  event.preventDefault();
  act();
}

/**
 * @param {KeyboardEvent} event
 * @param {KeyboardOptions} options
 */
function released(event, options) {
  if (event.key === 'Alt') options.invert(false);
  if (event.key.toUpperCase() === 'H') options.peek(false);
}

/** @param {KeyboardOptions} options */
function releaseAll(options) {
  options.invert(false);
  options.peek(false);
}
