// Rating masks from 1 to 10, one after another; each rating is on the server before the next mask comes.

import { ApiClient } from '../api/client.js';
import { decode } from '../geometry/rle.js';
import { byId, element } from '../widgets/elements.js';
import { oneStepAtATime } from '../widgets/one_step.js';
import { VIEWS, draw } from './rate/views.js';

/** @typedef {import('../api/types.js').StudiedMask} StudiedMask */

const SMALL = { width: 480, height: 448 };
const study = document.body.dataset.study ?? '';
const apiBase = document.body.dataset.api ?? '/api/v1/';
const api = new ApiClient({ base: apiBase });
const large = byId('large', HTMLDialogElement);

/** @type {{mask: StudiedMask | null, last: StudiedMask | null, shown: import('./rate/views.js').Shown | null}} */
const now = { mask: null, last: null, shown: null };
const inTurn = oneStepAtATime(showBusy);

/** @type {HTMLCanvasElement[]} */
const canvases = VIEWS.map((view) => {
  const canvas = element('canvas', { role: 'img', 'aria-label': view.name });
  const button = element('button', { type: 'button', 'aria-label': `${view.name}, large` }, canvas);
  button.addEventListener('click', () => enlarge(view));
  byId('views', HTMLElement).append(element('figure', { class: 'view' }, button, element('figcaption', {}, view.name)));
  return canvas;
});

/** @param {import('./rate/views.js').View} view */
function enlarge(view) {
  if (!now.shown) return;
  draw(byId('large-canvas', HTMLCanvasElement), view, now.shown, { width: 0.96 * innerWidth, height: 0.94 * innerHeight });
  large.showModal();
}

/** @param {boolean} busy */
function showBusy(busy) {
  byId('rating', HTMLElement).setAttribute('aria-busy', String(busy));
  for (const button of byId('buttons', HTMLElement).querySelectorAll('button')) {
    button.disabled = busy || (button.id === 'back' ? now.last === null : now.mask === null);
  }
}

async function showNext() {
  const { num_rated: numRated, num_masks: numMasks, next } = await api.nextToRate(study);
  byId('progress', HTMLElement).textContent = `${numRated} of ${numMasks}`;
  await show(next);
}

/** @param {StudiedMask | null} mask */
async function show(mask) {
  now.shown = mask === null ? null : { image: await pictureOf(mask), raster: decode(mask.rle) };
  now.mask = mask;
  byId('views', HTMLElement).hidden = mask === null;
  byId('nothing', HTMLElement).hidden = mask !== null;
  const { shown } = now;
  if (shown) VIEWS.forEach((view, place) => draw(canvases[place], view, shown, SMALL));
}

/** @param {StudiedMask} mask @returns {Promise<HTMLImageElement>} */
async function pictureOf(mask) {
  const image = new Image();
  image.src = `${apiBase}images/${mask.image}/file`;
  await image.decode();
  return image;
}

/** @param {number} rating */
function rate(rating) {
  const { mask } = now;
  if (mask === null) return;
  void inTurn(async () => {
    await api.rate(study, mask.id, rating);
    now.last = mask;
    await showNext();
  });
}

function goBack() {
  const { last } = now;
  if (last === null) return;
  void inTurn(async () => {
    now.last = null;
    await show(last);
  });
}

/** @param {KeyboardEvent} event */
function pressed(event) {
  if (large.open || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (/^[0-9]$/.test(event.key)) rate(Number(event.key) || 10);
  else if (event.key === 'Backspace') goBack();
}

for (const button of document.querySelectorAll('.rating-button')) {
  if (button instanceof HTMLButtonElement) button.addEventListener('click', () => rate(Number(button.value)));
}
byId('back', HTMLButtonElement).addEventListener('click', goBack);
large.addEventListener('click', () => large.close());
document.addEventListener('keydown', pressed);
await inTurn(showNext);
