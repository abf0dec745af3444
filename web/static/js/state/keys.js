/**
 * Every command of the workbench with its keys. The keyboard, the key sheet, the palette and the key caps on the
 * controls read this one table; each person may change it.
 *
 * @typedef {object} Command
 * @property {string} id
 * @property {string} label
 * @property {string} group
 * @property {readonly string[]} keys  chords such as 'Ctrl+Shift+Z', as they are at first; letters are written large
 * @property {boolean} held  lasts as long as the key is down
 *
 * @typedef {Readonly<Record<string, readonly string[]>>} Keys  chords of every command; the first is shown on its control
 *
 * @typedef {object} Preset
 * @property {string} id
 * @property {string} name
 * @property {Keys} keys
 */

/** @type {readonly Command[]} */
export const COMMANDS = [
  command('Masks', 'accept', 'Accept the mask in hand', 'Enter', 'N'),
  command('Masks', 'accept_parts', 'Accept it, and its parts as masks of their own', 'Shift+Enter'),
  command('Masks', 'clear', 'Clear the prompt', 'Escape'),
  command('Masks', 'undo', 'Undo', 'Ctrl+Z'),
  command('Masks', 'redo', 'Redo', 'Ctrl+Shift+Z', 'Ctrl+Y'),
  command('Masks', 'refine', 'Open the selected mask again', 'R'),
  command('Masks', 'delete', 'Delete the selected mask', 'Delete', 'Backspace'),
  command('Masks', 'mask_earlier', 'Move the selected mask up the list', 'PageUp'),
  command('Masks', 'mask_later', 'Move the selected mask down the list', 'PageDown'),
  command('Masks', 'hide', 'Hide or show the selected mask', 'U'),
  command('Masks', 'clean_up', 'Fill holes and drop specks', 'C'),
  command('Masks', 'give_up', 'Give up on this object', 'X'),
  command('Masks', 'keep_going', 'Another 30 seconds for this object', 'K'),
  command('Candidates', 'candidate_next', 'Next candidate, or the other answer', 'Tab'),
  command('Candidates', 'candidate_previous', 'Previous candidate', 'Shift+Tab'),
  command('Candidates', 'candidate_1', 'First candidate', '1'),
  command('Candidates', 'candidate_2', 'Second candidate', '2'),
  command('Candidates', 'candidate_3', 'Third candidate', '3'),
  command('Tools', 'tool_clicks', 'Click and box', 'S'),
  command('Tools', 'tool_brush', 'Brush', 'B'),
  command('Tools', 'tool_eraser', 'Eraser', 'E'),
  command('Tools', 'tool_lasso', 'Lasso', 'F'),
  command('Tools', 'brush_smaller', 'Smaller brush', '['),
  command('Tools', 'brush_larger', 'Larger brush', ']'),
  command('Tools', 'brush_shape', 'Round or square brush', 'Q'),
  command('Tools', 'sign', 'Plain click adds or removes', 'T'),
  command('Tools', 'point_foreground', 'Add the spot under the crosshair', '.'),
  command('Tools', 'point_background', 'Remove the spot under the crosshair', ','),
  command('View', 'preview', 'Preview under the pointer', 'V'),
  command('View', 'outline', 'Outlines only', 'O'),
  { ...command('View', 'peek', 'Hide all masks while held', 'H'), held: true },
  command('View', 'solo', 'Show one mask alone', 'I'),
  command('View', 'fit', 'Fit the image', 'Ctrl+0'),
  command('View', 'zoom_mask', 'Zoom to the mask', 'Z'),
  command('View', 'zoom_in', 'Zoom in', '+', '='),
  command('View', 'zoom_out', 'Zoom out', '-'),
  command('View', 'panel', 'Show or hide the mask list', 'L'),
  command('Images', 'submit', 'Submit and go on', 'Ctrl+Enter'),
  command('Images', 'skip', 'Skip this image', 'Ctrl+Space'),
  command('Images', 'next', 'Next image', 'D'),
  command('Images', 'previous', 'Previous image', 'A'),
  command('Images', 'recent', 'My recent images', 'M'),
  command('Help', 'guidelines', 'Guidelines of the project', 'G'),
  command('Help', 'tutorial', 'Tutorial of a minute', 'Shift+F1'),
  command('Help', 'palette', 'Find a command by its name', 'Ctrl+K'),
  command('Help', 'keys', 'All keys', '?', 'F1'),
];

/**
 * @param {string} group
 * @param {string} id
 * @param {string} label
 * @param {...string} keys
 * @returns {Command}
 */
function command(group, id, label, ...keys) {
  return { id, label, group, keys, held: false };
}

/** @type {Keys} */
export const FIRST_KEYS = Object.freeze(Object.fromEntries(COMMANDS.map(({ id, keys }) => [id, keys])));

/** Habits from elsewhere. A preset keeps the first keys of every command that it does not name. @type {readonly Preset[]} */
export const PRESETS = [
  { id: 'maskwright', name: 'Maskwright', keys: FIRST_KEYS },
  preset('cvat', 'Like CVAT', {
    accept: ['N', 'Enter'],
    delete: ['Delete', 'Shift+Delete'],
    tool_brush: ['Shift+1', 'B'],
    tool_eraser: ['Shift+2', 'E'],
    tool_lasso: ['Shift+3'],
    next: ['F'],
    previous: ['D'],
    keys: ['F1', '?'],
  }),
  preset('labelme', 'Like labelme', {
    refine: ['Ctrl+J', 'R'],
    fit: ['Ctrl+F', 'Ctrl+0'],
    zoom_in: ['Ctrl++', 'Ctrl+=', '+', '='],
    zoom_out: ['Ctrl+-', '-'],
    next: ['D', 'Ctrl+Shift+D'],
    previous: ['A', 'Ctrl+Shift+A'],
  }),
];

/**
 * @param {string} id
 * @param {string} name
 * @param {Keys} own
 * @returns {Preset}
 */
function preset(id, name, own) {
  return { id, name, keys: Object.freeze({ ...FIRST_KEYS, ...own }) };
}

/** What the browser does with a chord, whatever a page wants. @type {Readonly<Record<string, string>>} */
const BROWSER = {
  'Ctrl+N': 'opens a window',
  'Ctrl+Shift+N': 'opens a private window',
  'Ctrl+Shift+P': 'opens a private window',
  'Ctrl+T': 'opens a tab',
  'Ctrl+Shift+T': 'opens a closed tab again',
  'Ctrl+W': 'closes the tab',
  'Ctrl+Shift+W': 'closes the window',
  'Ctrl+F4': 'closes the tab',
  'Ctrl+Q': 'closes the browser',
  'Ctrl+Shift+Q': 'closes the browser',
  'Ctrl+Tab': 'goes to the next tab',
  'Ctrl+Shift+Tab': 'goes to the tab before',
  'Ctrl+PageDown': 'goes to the next tab',
  'Ctrl+PageUp': 'goes to the tab before',
  'Ctrl+L': 'goes to the address',
  'Ctrl+R': 'loads the page again',
  'Ctrl+Shift+R': 'loads the page again',
  'Ctrl+Shift+I': 'opens the developer tools',
  'Ctrl+Shift+J': 'opens the developer tools',
  'Ctrl+Shift+C': 'opens the developer tools',
  'Ctrl+H': 'hides the window on a Mac',
  'Ctrl+M': 'hides the window on a Mac',
  F5: 'loads the page again',
  F6: 'goes to the address',
  F11: 'fills the screen',
  F12: 'opens the developer tools',
};

/** What the workbench itself does with a chord that is not in the table. @type {readonly (readonly [RegExp, string])[]} */
const OURS = [
  [/(?:^|\+)Arrow/, 'The arrows move the crosshair'],
  [/^(?:Shift\+)?Space$/, 'Space and a drag move the image'],
  [/(?:^|\+)Alt\+/, 'Alt swaps brush and eraser'],
];

/**
 * @param {Keys} keys
 * @param {string} chord
 * @returns {string | null} id of the command
 */
export function commandFor(keys, chord) {
  return Object.keys(keys).find((id) => keys[id].includes(chord)) ?? null;
}

/** @param {string} id */
export const labelOf = (id) => COMMANDS.find((one) => one.id === id)?.label ?? id;

/**
 * Why a command cannot have a chord.
 *
 * @param {Keys} keys
 * @param {string} id
 * @param {string} chord
 * @returns {string | null} words for the person; null when it can
 */
export function refusal(keys, id, chord) {
  const taken = commandFor(keys, chord);
  if (taken === id) return 'It has this key already.';
  if (taken) return `This key belongs to “${labelOf(taken)}”. Take it away there first.`;
  if (chord in BROWSER) return `The browser keeps this key: it ${BROWSER[chord]}.`;
  const ours = OURS.find(([pattern]) => pattern.test(chord));
  return ours ? `${ours[1]}; choose another key.` : null;
}

/**
 * @param {Keys} keys
 * @param {string} id
 * @param {string} chord  that is not refused
 * @returns {Keys}
 */
export function withKey(keys, id, chord) {
  return { ...keys, [id]: [...(keys[id] ?? []), chord] };
}

/**
 * @param {Keys} keys
 * @param {string} id
 * @param {string} chord
 * @returns {Keys}
 */
export function withoutKey(keys, id, chord) {
  return { ...keys, [id]: (keys[id] ?? []).filter((one) => one !== chord) };
}

/**
 * @param {Keys} keys
 * @returns {Preset | null} the one that is in use unchanged
 */
export function presetOf(keys) {
  return PRESETS.find((one) => COMMANDS.every(({ id }) => sameList(one.keys[id], keys[id]))) ?? null;
}

/**
 * What is worth keeping: only what differs from the first keys, so that later versions may add commands.
 *
 * @param {Keys} keys
 * @returns {Keys}
 */
export function changedKeys(keys) {
  return Object.fromEntries(COMMANDS.filter(({ id }) => !sameList(keys[id], FIRST_KEYS[id])).map(({ id }) => [id, keys[id]]));
}

/**
 * @param {unknown} kept  of `changedKeys`, from this version or another; anything else is ignored
 * @returns {Keys} without conflicts: what the person chose goes before first keys
 */
export function keysFrom(kept) {
  const chosen = /** @type {Record<string, unknown>} */ (kept && typeof kept === 'object' ? kept : {});
  /** @type {Record<string, readonly string[]>} */
  let keys = Object.fromEntries(COMMANDS.map(({ id }) => [id, []]));
  const own = COMMANDS.filter(({ id }) => Array.isArray(chosen[id]));
  const others = COMMANDS.filter((one) => !own.includes(one));
  const wanted = [...own.map(({ id }) => ({ id, keys: /** @type {unknown[]} */ (chosen[id]) })), ...others];
  for (const { id, keys: chords } of wanted) {
    for (const chord of chords) if (typeof chord === 'string' && !refusal(keys, id, chord)) keys = { ...withKey(keys, id, chord) };
  }
  return keys;
}

/**
 * @param {readonly string[] | undefined} a
 * @param {readonly string[] | undefined} b
 */
const sameList = (a = [], b = []) => a.length === b.length && a.every((one, i) => one === b[i]);
