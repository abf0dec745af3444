/**
 * The bar above the image: which image, how far, what is saved, and where to go next.
 *
 * @typedef {import('../state/workbench.js').Workbench} Workbench
 * @typedef {import('./controls.js').Run} Run
 */
import { FIRST_KEYS } from '../state/keys.js';
import { iconButton, wordButton } from './controls.js';
import { make, setAttributes, setText } from './elements.js';
import { ring, setRing } from './icons.js';
import { keyWords } from './keymap.js';

/** An object should take no longer than this (sam paper, section 4: move on after 30 s), in active milliseconds. */
const RING_MS = 30_000;

/** @type {Record<string, string>} */
const DECODER_WORDS = {
  starting: 'Starting the model',
  waiting: 'Preparing this image',
  preparing: 'Opening the model',
  ready: 'Model ready',
  failed: 'Model is off',
};

/**
 * @param {object} options
 * @param {HTMLElement} options.host
 * @param {Run} options.run
 * @param {() => void} options.openSaveDetails
 * @param {() => number} options.activeMs  active time on the object in hand
 * @param {(overtime: boolean) => void} options.setOvertime
 * @returns {(bench: Workbench) => void}
 */
export function topBar({ host, run, openSaveDetails, activeMs, setOvertime }) {
  const name = make('span', { class: 'bar-image one-line' });
  const place = make('span', { class: 'bar-place' });
  const clock = timeRing(activeMs, setOvertime);
  const model = make('span', { class: 'bar-model', attributes: { role: 'status' } });
  const chip = make('button', {
    class: 'chip bar-chip',
    attributes: { type: 'button', 'aria-live': 'polite' },
    on: { click: openSaveDetails },
  });
  const previous = iconButton({ command: 'previous', run, class: 'bar-step' });
  const next = iconButton({ command: 'next', run, class: 'bar-step' });
  const skip = wordButton({ command: 'skip', text: 'Skip', run, class: 'word word-quiet' });
  skip.setAttribute('aria-haspopup', 'dialog');
  const submit = wordButton({ command: 'submit', text: 'Submit', run, class: 'word word-primary' });
  host.append(
    make('div', { class: 'bar-title' }, name, place),
    make('div', { class: 'bar-end' }, clock.box, model, chip, make('div', { class: 'bar-steps' }, previous, next), skip, submit),
  );

  return (bench) => {
    clock.keys = bench.keys;
    setText(name, bench.image?.name ?? '');
    name.title = bench.image?.name ?? '';
    setText(place, placeText(bench));
    showModel(model, bench);
    showChip(chip, bench);
    const atWork = bench.image !== null;
    submit.disabled = skip.disabled = !atWork || bench.editing === 'locked';
    skip.hidden = previous.hidden = next.hidden = bench.correcting;
    const words = submit.querySelector('.word-text');
    if (words) setText(words, bench.correcting ? 'Done, back to the review' : 'Submit');
    previous.disabled = bench.screen.kind === 'opening';
    next.disabled = !atWork;
  };
}

/** @param {Workbench} bench */
function placeText({ image, line }) {
  if (!image) return '';
  const done = line.submitted ? ` · ${line.submitted} submitted` : '';
  return `${image.width} × ${image.height}${done}`;
}

/**
 * @param {HTMLElement} element
 * @param {Workbench} bench
 */
function showModel(element, { decoder, screen }) {
  setAttributes(element, { 'data-kind': decoder.kind, title: decoder.message || null });
  element.hidden = screen.kind !== 'ready';
  setText(element, DECODER_WORDS[decoder.kind] ?? '');
}

/** @type {Record<string, string>} */
const CHIP_CLASS = { saved: 'chip-ok', saving: 'chip-active', pending: 'chip-film', attention: 'chip-danger' };

/**
 * @param {HTMLElement} chip
 * @param {Workbench} bench
 */
function showChip(chip, { save }) {
  const wanted = `chip bar-chip ${CHIP_CLASS[save.kind]}`;
  if (chip.className !== wanted) chip.className = wanted;
  setText(chip, chipText(save));
  setAttributes(chip, { title: save.message || null, 'data-kind': save.kind });
}

/** @param {Workbench['save']} save */
function chipText({ kind, count, signInNeeded }) {
  if (signInNeeded) return 'Sign in to save';
  if (kind === 'pending') return count === 1 ? '1 change on this device' : `${count} changes on this device`;
  return { saved: 'Saved', saving: 'Saving', attention: 'Needs attention' }[kind];
}

/**
 * @param {() => number} activeMs
 * @param {(overtime: boolean) => void} setOvertime
 */
function timeRing(activeMs, setOvertime) {
  const drawing = ring();
  const box = make('span', { class: 'bar-ring', title: 'Active time on this object' });
  box.append(drawing);
  const words = make('span', { class: 'visually-hidden' });
  box.append(words);
  const clock = { box, keys: FIRST_KEYS };
  setInterval(() => {
    const spent = activeMs();
    setOvertime(spent >= RING_MS);
    setRing(drawing, spent / RING_MS);
    setAttributes(box, {
      'data-full': spent >= RING_MS ? 'yes' : 'no',
      title: `${Math.round(spent / 1000)} s on this object${spent >= RING_MS ? `. Press ${keyWords(clock.keys, 'give_up')} to give up on it` : ''}`,
    });
    setText(words, spent >= RING_MS ? 'More than 30 seconds on this object' : '');
  }, 500);
  return clock;
}
