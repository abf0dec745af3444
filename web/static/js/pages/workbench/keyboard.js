/**
 * Keys of the workbench, told to its commands.
 *
 * @typedef {object} KeyboardOptions
 * @property {() => import('../../state/keys.js').Keys} keys
 * @property {(command: string) => void} run
 * @property {(command: string, isDown: boolean) => void} hold  a command that lasts as long as its key is down
 * @property {() => boolean} hasCandidates
 * @property {(held: boolean) => void} invert  Alt
 * @property {(dx: number, dy: number, fine: boolean) => void} moveCrosshair
 * @property {AbortSignal} signal
 */
import { COMMANDS, commandFor } from '../../state/keys.js';
import { belongsToControl, chordsOf } from '../../ui/keymap.js';

/** @type {Readonly<Record<string, readonly [number, number]>>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** Commands that may run again and again while the key is held. */
const REPEATS = new Set(['undo', 'redo', 'brush_smaller', 'brush_larger', 'zoom_in', 'zoom_out', 'candidate_next', 'candidate_previous']);
const HELD = new Set(COMMANDS.filter((one) => one.held).map((one) => one.id));

/** @param {KeyboardOptions} options */
export function listenToKeys(options) {
  const { signal } = options;
  /** Commands that last, by the key that is down. @type {Map<string, string>} */
  const down = new Map();
  document.addEventListener('keydown', (event) => pressed(event, options, down), { signal });
  document.addEventListener('keyup', (event) => released(event, options, down), { signal });
  document.addEventListener('pointerdown', () => void delete document.body.dataset.hand, { signal });
  window.addEventListener('blur', () => releaseAll(options, down), { signal });
}

/**
 * @param {KeyboardEvent} event
 * @param {KeyboardOptions} options
 * @param {Map<string, string>} down
 */
function pressed(event, options, down) {
  if (event.key === 'Tab') document.body.dataset.hand = 'keyboard';
  if (event.isComposing) return;
  const chords = chordsOf(event);
  const keys = options.keys();
  const command = chords.map((chord) => commandFor(keys, chord)).find((found) => found !== null) ?? null;
  const dialog = document.querySelector('dialog[open]');
  if (dialog instanceof HTMLDialogElement) {
    // What opened a dialog closes it, unless it is a letter on its way into a field.
    const typed = document.activeElement?.matches('input, textarea') && !event.ctrlKey && !event.metaKey && event.key.length === 1;
    if (command !== null && dialog.dataset.command === command && !typed) keep(event, () => dialog.close());
    return;
  }
  if (belongsToControl(chords[0] ?? '', { element: document.activeElement, hasCandidates: options.hasCandidates() })) return;
  if (event.key === 'Alt') return keep(event, () => options.invert(true));
  const arrow = ARROWS[event.key];
  if (arrow && !event.ctrlKey && !event.altKey) return keep(event, () => options.moveCrosshair(arrow[0], arrow[1], event.shiftKey));
  if (!command) return;
  if (HELD.has(command)) {
    down.set(event.code, command);
    return keep(event, () => options.hold(command, true));
  }
  if (event.repeat && !REPEATS.has(command)) return;
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
 * @param {Map<string, string>} down
 */
function released(event, options, down) {
  if (event.key === 'Alt') options.invert(false);
  const command = down.get(event.code);
  if (command === undefined) return;
  down.delete(event.code);
  options.hold(command, false);
}

/**
 * @param {KeyboardOptions} options
 * @param {Map<string, string>} down
 */
function releaseAll(options, down) {
  options.invert(false);
  for (const command of down.values()) options.hold(command, false);
  down.clear();
}
