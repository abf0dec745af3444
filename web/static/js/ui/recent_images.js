/**
 * The images this person worked on lately, to go back to one.
 *
 * @typedef {import('../api/types.js').MyImage} MyImage
 */
import { make } from './elements.js';

/** @type {Record<MyImage['state'], string>} */
const STATES = { leased: 'Yours now', submitted: 'Submitted', skipped: 'Skipped', expired: 'Your time ran out', returned: 'Sent back by a reviewer' };

/**
 * @param {object} options
 * @param {HTMLDialogElement} options.dialog
 * @param {() => Promise<{images: MyImage[]}>} options.read
 * @param {(assignment: string) => void} options.open
 * @returns {() => void} opens the list, or closes it when it is open
 */
export function recentImages({ dialog, read, open }) {
  const words = make('p', { class: 'quiet small', attributes: { role: 'status' } });
  const list = make('ul', { class: 'recent-list' });
  dialog.setAttribute('aria-labelledby', 'recent-heading');
  dialog.append(
    make(
      'div',
      { class: 'sheet-head' },
      make('h2', { text: 'My recent images', attributes: { id: 'recent-heading' } }),
      make('button', { class: 'button button-small', text: 'Close', attributes: { type: 'button' }, on: { click: () => dialog.close() } }),
    ),
    words,
    list,
  );
  dialog.addEventListener('click', (event) => event.target === dialog && dialog.close());
  const choose = (/** @type {string} */ assignment) => {
    dialog.close();
    open(assignment);
  };
  const show = async () => {
    words.textContent = 'Looking for your images.';
    try {
      const { images } = await read();
      words.textContent = images.length ? '' : 'None yet. Every image that you work on stands here.';
      list.replaceChildren(...images.map((one) => row(one, choose)));
      list.querySelector('button')?.focus();
    } catch (error) {
      words.textContent = error instanceof Error ? error.message : String(error);
    }
  };
  return () => {
    if (dialog.open) return dialog.close();
    list.replaceChildren();
    dialog.showModal();
    void show();
  };
}

/**
 * @param {MyImage} image
 * @param {(assignment: string) => void} choose
 */
function row(image, choose) {
  const { name, assignment, refusal } = image;
  const picture = make('img', { attributes: { src: image.thumbnail_url, alt: '', width: '96', height: '72', loading: 'lazy' } });
  const about = [
    make('span', { class: 'recent-name one-line', text: name }),
    make('span', { class: 'quiet small', text: factsOf(image) }),
    ...(refusal ? [make('span', { class: 'small recent-refusal', text: `${refusal} You cannot open it again.` })] : []),
  ];
  const inside = [picture, make('span', { class: 'recent-about' }, ...about)];
  if (refusal) return make('li', { class: 'recent-row' }, ...inside);
  return make('li', {}, make('button', { class: 'recent-row', attributes: { type: 'button' }, on: { click: () => choose(assignment) } }, ...inside));
}

/** @param {MyImage} image */
function factsOf({ state, num_masks: numMasks, active_s: seconds, worked_at: at }) {
  const masks = numMasks === 1 ? '1 mask' : `${numMasks} masks`;
  const spent = seconds === null ? [] : [`${timeOf(seconds)} of work`];
  const day = new Date(at).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
  return [STATES[state], masks, ...spent, day].join(' · ');
}

/** @param {number} seconds */
const timeOf = (seconds) => (seconds < 90 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`);
