/**
 * The row of acts at the foot of the image, with a line that says what the hand can do now.
 *
 * @typedef {import('../state/workbench.js').Workbench} Workbench
 * @typedef {import('./controls.js').Run} Run
 */
import { chosenCandidate } from '../state/candidates.js';
import { hasPrompt, maskOf } from '../state/current.js';
import { isEmpty } from '../state/rasters.js';
import { redoLabel, undoLabel } from '../state/history.js';
import { currentOf, sizeOf } from '../state/workbench.js';
import { iconButton, withCap, wordButton } from './controls.js';
import { make, setAttributes, setText } from './elements.js';
import { capOf, keyWords } from './keymap.js';

const BY_FINGER = matchMedia('(hover: none) and (pointer: coarse)');

/**
 * @param {object} options
 * @param {HTMLElement} options.host
 * @param {Run} options.run
 * @returns {(bench: Workbench) => void}
 */
export function dock({ host, run }) {
  const undo = iconButton({ command: 'undo', run, class: 'dock-step' });
  const redo = iconButton({ command: 'redo', run, class: 'dock-step' });
  const clear = wordButton({ command: 'clear', text: 'Clear', run, class: 'word word-quiet' });
  const giveUp = wordButton({ command: 'give_up', text: 'Give up', run, class: 'word word-quiet' });
  const accept = wordButton({ command: 'accept', text: 'Accept', drawing: 'accept', run, class: 'word word-accept' });
  const hint = make('p', { class: 'dock-hint', attributes: { role: 'status' } });
  const acts = make('div', { class: 'dock-acts', attributes: { role: 'group', 'aria-label': 'Object in hand' } });
  const more = wordButton({ command: 'keep_going', text: '30 s more', run, class: 'word word-quiet' });
  acts.append(undo, redo, make('span', { class: 'dock-rule' }), clear, giveUp, more, accept);
  host.append(hint, acts);

  return (bench) => {
    const current = currentOf(bench);
    const undoing = undoLabel(bench.history);
    const redoing = redoLabel(bench.history);
    undo.disabled = undoing === null;
    redo.disabled = redoing === null;
    setAttributes(undo, { title: undoing ? withCap(`Undo: ${undoing}`, capOf(bench.keys, 'undo')) : 'Nothing to undo' });
    setAttributes(redo, { title: redoing ? withCap(`Redo: ${redoing}`, capOf(bench.keys, 'redo')) : 'Nothing to redo' });
    clear.disabled = giveUp.disabled = current === null;
    accept.disabled = !current || isEmpty(maskOf(current, sizeOf(bench)));
    const isOver = bench.overtime && current !== null && bench.editing === 'open';
    more.hidden = !isOver;
    setAttributes(hint, { 'data-over': isOver });
    setText(hint, isOver ? overtimeFor(bench) : hintFor(bench));
    host.hidden = bench.screen.kind !== 'ready' || bench.cleanUp !== null;
  };
}

/**
 * The 30-second rule (sam paper, section 4): move on, or decide to stay.
 *
 * @param {Workbench} bench
 */
function overtimeFor({ keys }) {
  const key = (/** @type {string} */ command) => keyWords(keys, command);
  return `30 seconds on this object: ${key('accept')} takes it as it is, ${key('give_up')} gives up on it, ${key('next')} goes to the next image, ${key('keep_going')} goes on`;
}

/**
 * @param {Workbench} bench
 * @returns {string}
 */
function hintFor(bench) {
  const current = currentOf(bench);
  const key = (/** @type {string} */ command) => keyWords(bench.keys, command);
  const sizes = `${key('brush_smaller')} and ${key('brush_larger')} change the size`;
  if (bench.editing === 'locked') return bench.lockedReason;
  if (BY_FINGER.matches) return fingerHint(bench);
  if (bench.tool === 'brush') return `Paint the object. Alt erases, ${sizes}`;
  if (bench.tool === 'eraser') return `Erase from the mask in hand. Alt paints, ${sizes}`;
  if (bench.tool === 'lasso') return 'Draw around what belongs to the object. Alt takes away';
  if (bench.decoder.kind === 'failed') return `The model cannot run here. Press ${key('tool_brush')} and paint the mask by hand`;
  if (bench.decoder.kind !== 'ready') return `The model is opening this image. The brush (${key('tool_brush')}) works already`;
  if (!current) return 'Click an object, or drag a box around it';
  if (bench.decoder.busy) return 'Finding the mask';
  if (current.candidates.length > 1 && isOpened(current)) return openedHint(current, key);
  if (current.candidates.length > 1) return `${key('candidate_next')} for another grain, click to refine, ${key('accept')} when it is right`;
  if (hasPrompt(current)) return `Click to add, right click to take away, ${key('accept')} when it is right`;
  return `Click or paint to refine, ${key('accept')} when it is right`;
}

/**
 * The same for a screen without keys.
 *
 * @param {Workbench} bench
 * @returns {string}
 */
function fingerHint(bench) {
  const current = currentOf(bench);
  if (bench.tool === 'lasso') return 'Draw around what belongs to the object';
  if (bench.tool !== 'clicks') return bench.tool === 'brush' ? 'Paint the object' : 'Erase from the mask in hand';
  if (bench.decoder.kind === 'failed') return 'The model cannot run here. Paint the mask with the brush';
  if (bench.decoder.kind !== 'ready') return 'The model is opening this image. The brush works already';
  if (!current) return 'Tap an object, or draw a box around it';
  if (bench.decoder.busy) return 'Finding the mask';
  if (current.candidates.length > 1 && isOpened(current)) return 'Only here or the whole answer: tap the picture that is right, tap the image to go on';
  if (current.candidates.length > 1) return 'Tap a small picture for another grain, tap the image to refine, Accept when it is right';
  return 'Tap to add; with ± switched, tap to take away. Accept when it is right';
}

/** @param {import('../state/types.js').Current} current  whether there are two answers about a mask that was opened again */
const isOpened = (current) => chosenCandidate(current)?.atClickOnly !== undefined;

/**
 * @param {import('../state/types.js').Current} current
 * @param {(command: string) => string} key
 * @returns {string} what the chosen one of the two did, and the way to the other
 */
function openedHint(current, key) {
  const { atClickOnly, rle } = chosenCandidate(current);
  const isSame = rle?.counts === current.base?.counts;
  const [done, other] = atClickOnly ? [isSame ? 'Nothing changes at the click' : 'Only this piece changed', 'the whole answer'] : ["The model's whole answer", 'this piece only'];
  return `${done}. ${key('candidate_next')} for ${other}, ${key('accept')} accepts`;
}
