/**
 * A minute of guidance on the real image: each step says one thing and goes by itself when it was done.
 *
 * @typedef {import('../state/workbench.js').Workbench} Workbench
 * @typedef {(command: string) => string} KeyName
 *
 * @typedef {object} Step
 * @property {string} title
 * @property {(key: KeyName, practising: boolean) => string} words
 * @property {(now: Workbench, start: Workbench) => boolean} isDone  since the step began
 */
import { currentOf, docOf } from '../state/workbench.js';
import { make, setText } from './elements.js';
import { keyWords } from './keymap.js';

/** @type {readonly Step[]} */
const STEPS = [
  {
    title: 'Click on an object',
    words: (_, practising) => `Move over the image: what lights up is the mask that a click would give. Click on something, or drag a box around it. ${practising ? 'This is practice: nothing of it counts.' : 'This is a real image: keep what is right.'}`,
    isDone: (now) => currentOf(now) !== null,
  },
  {
    title: 'Take it into the list',
    words: (key) => `${key('accept')} accepts the mask and your hand is free for the next object. There is nothing to save: it is saved.`,
    isDone: (now, start) => docOf(now).masks.length > docOf(start).masks.length,
  },
  {
    title: 'Correct with more clicks',
    words: () => 'Click on another object. A further click adds what is missing; a right click (or Alt and a click; on a screen for fingers the ± in the tools) takes away what is too much.',
    isDone: (now) => (currentOf(now)?.points.length ?? 0) > 1,
  },
  {
    title: 'The whole, or a part of it',
    words: (key) => `A click on a button may mean the button or the shirt. The small pictures show both: ${key('candidate_next')} goes through them. What you choose is remembered for the next object.`,
    isDone: (now) => hasStep(now, 'candidate'),
  },
  {
    title: 'Paint what clicks do not reach',
    words: (key) => `${key('tool_brush')} takes the brush, ${key('tool_eraser')} the eraser, ${key('tool_clicks')} goes back to clicks. What you paint or erase stays, whatever the model thinks.`,
    isDone: (now) => hasStep(now, 'stroke'),
  },
  {
    title: 'Everything can be undone',
    words: (key) => `${key('undo')} takes back clicks, strokes, accepted and deleted masks, one by one, as far as you like.`,
    isDone: (now) => now.history.future.length > 0,
  },
  {
    title: 'Hand the image in',
    words: (key, practising) => `When everything you see has its mask, ${key('submit')} hands the image in and ${practising ? 'shows how close you came' : 'brings the next'}. ${key('guidelines')} shows the project's guidelines, ${key('keys')} all keys, ${key('palette')} finds any command.`,
    isDone: () => false,
  },
];

/**
 * @param {object} options
 * @param {HTMLElement} options.host
 * @param {boolean} options.practising  on images whose masks are known
 * @param {string | null} options.practice  address of such images, offered at the end
 * @param {() => void} options.ended  by the last step or by the person
 * @returns {{show: (bench: Workbench) => void, start: (bench: Workbench) => void}}
 */
export function tutorial({ host, practising, practice, ended }) {
  /** @type {{step: number, since: Workbench} | null} */
  let at = null;
  const count = make('p', { class: 'tutorial-count' });
  const title = make('h2', { class: 'tutorial-title' });
  const words = make('p', { class: 'tutorial-words' });
  const leave = button('Not now', 'button button-small button-quiet', () => end());
  const toPractice = practice && make('a', { class: 'button button-small', text: 'Practise first', attributes: { href: practice }, on: { click: () => end() } });
  const on = button('Next', 'button button-small', () => go((at?.step ?? 0) + 1));
  /** @type {Workbench | null} */
  let latest = null;
  host.append(
    make('div', { attributes: { 'aria-live': 'polite' } }, count, title, words),
    make('div', { class: 'tutorial-acts' }, leave, toPractice, on),
  );

  return { show, start };

  /** @param {Workbench} bench */
  function start(bench) {
    latest = bench;
    go(0);
  }

  /** @param {Workbench} bench */
  function show(bench) {
    latest = bench;
    host.hidden = at === null || bench.screen.kind !== 'ready';
    if (!at || host.hidden) return;
    if (STEPS[at.step].isDone(bench, at.since)) return go(at.step + 1);
    const { title: heading, words: text } = STEPS[at.step];
    setText(count, `${at.step + 1} of ${STEPS.length}`);
    setText(title, heading);
    setText(words, text((command) => keyWords(bench.keys, command), practising));
    leave.hidden = at.step + 1 === STEPS.length;
    if (toPractice) toPractice.hidden = !leave.hidden;
    setText(on, leave.hidden ? 'Done' : 'Next');
  }

  /** @param {number} step */
  function go(step) {
    if (!latest) return;
    if (step >= STEPS.length) return end();
    at = { step, since: latest };
    show(latest);
  }

  function end() {
    at = null;
    host.hidden = true;
    ended();
  }
}

/**
 * @param {Workbench} bench
 * @param {string} kind
 */
function hasStep(bench, kind) {
  return currentOf(bench)?.steps.some((step) => step.kind === kind) ?? false;
}

/**
 * @param {string} text
 * @param {string} name
 * @param {() => void} run
 */
const button = (text, name, run) => make('button', { class: name, text, attributes: { type: 'button' }, on: { click: run } });
