/**
 * Every command of the workbench with its keys. The key sheet, the key caps on the controls and the keyboard
 * itself read this one table.
 *
 * @typedef {object} Command
 * @property {string} id
 * @property {string} label
 * @property {string} group
 * @property {readonly string[]} keys  chords such as 'Ctrl+Shift+Z'; letters are written large
 */

/** @type {readonly Command[]} */
export const COMMANDS = [
  command('Masks', 'accept', 'Accept the mask in hand', 'Enter', 'N'),
  command('Masks', 'clear', 'Clear the prompt', 'Escape'),
  command('Masks', 'undo', 'Undo', 'Ctrl+Z'),
  command('Masks', 'redo', 'Redo', 'Ctrl+Shift+Z', 'Ctrl+Y'),
  command('Masks', 'refine', 'Open the selected mask again', 'R'),
  command('Masks', 'delete', 'Delete the selected mask', 'Delete', 'Backspace'),
  command('Masks', 'give_up', 'Give up on this object', 'X'),
  command('Candidates', 'candidate_next', 'Next candidate', 'Tab'),
  command('Candidates', 'candidate_previous', 'Previous candidate', 'Shift+Tab'),
  command('Candidates', 'candidate_1', 'First candidate', '1'),
  command('Candidates', 'candidate_2', 'Second candidate', '2'),
  command('Candidates', 'candidate_3', 'Third candidate', '3'),
  command('Tools', 'tool_clicks', 'Click and box', 'S'),
  command('Tools', 'tool_brush', 'Brush', 'B'),
  command('Tools', 'tool_eraser', 'Eraser', 'E'),
  command('Tools', 'brush_smaller', 'Smaller brush', '['),
  command('Tools', 'brush_larger', 'Larger brush', ']'),
  command('Tools', 'brush_shape', 'Round or square brush', 'Q'),
  command('Tools', 'sign', 'Plain click adds or removes', 'T'),
  command('Tools', 'point_foreground', 'Add the spot under the crosshair', '.'),
  command('Tools', 'point_background', 'Remove the spot under the crosshair', ','),
  command('View', 'preview', 'Preview under the pointer', 'V'),
  command('View', 'outline', 'Outlines only', 'O'),
  command('View', 'fit', 'Fit the image', 'Ctrl+0'),
  command('View', 'zoom_mask', 'Zoom to the mask', 'Z'),
  command('View', 'zoom_in', 'Zoom in', '+', '='),
  command('View', 'zoom_out', 'Zoom out', '-'),
  command('View', 'panel', 'Show or hide the mask list', 'L'),
  command('Images', 'submit', 'Submit and go on', 'Ctrl+Enter'),
  command('Images', 'skip', 'Skip this image', 'Ctrl+Space'),
  command('Images', 'next', 'Next image', 'D'),
  command('Images', 'previous', 'Previous image', 'A'),
  command('Help', 'keys', 'This sheet', '?', 'F1'),
];

/** What the hand does with the pointer, for the sheet only. */
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
  { group: 'View', label: 'Hide all masks while held', keys: ['H'] },
  { group: 'View', label: 'Move the crosshair (Shift: one pixel)', keys: ['Arrows'] },
];

/**
 * @param {string} group
 * @param {string} id
 * @param {string} label
 * @param {...string} keys
 * @returns {Command}
 */
function command(group, id, label, ...keys) {
  return { id, label, group, keys };
}

/**
 * @param {string} id
 * @returns {string} the first chord of a command
 */
export function keyOf(id) {
  return COMMANDS.find((one) => one.id === id)?.keys[0] ?? '';
}

/**
 * @param {{key: string, ctrlKey: boolean, metaKey: boolean, altKey: boolean, shiftKey: boolean}} event
 * @returns {string} 'Ctrl+Shift+Z'; the command key of a Mac counts as Ctrl
 */
export function chordOf(event) {
  const key = event.key === ' ' ? 'Space' : event.key.length === 1 ? event.key.toUpperCase() : event.key;
  const shifts = event.shiftKey && (key.length > 1 || /\p{L}/u.test(key));
  const parts = [event.ctrlKey || event.metaKey ? 'Ctrl' : '', event.altKey ? 'Alt' : '', shifts ? 'Shift' : '', key];
  return parts.filter(Boolean).join('+');
}

/**
 * @param {string} chord
 * @returns {string | null} id of the command
 */
export function commandFor(chord) {
  return COMMANDS.find((one) => one.keys.includes(chord))?.id ?? null;
}

/** @type {Readonly<Record<string, string>>} */
const SHORT = { Escape: 'Esc', Delete: 'Del', Backspace: '⌫', Enter: '↵', 'Ctrl+Enter': 'Ctrl ↵', Tab: 'Tab ⇥' };

/**
 * @param {string} chord
 * @returns {string} as it is written on a key cap
 */
export function keyCap(chord) {
  return SHORT[chord] ?? chord.replaceAll('+', ' ').replace(/^ $/, '+');
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
