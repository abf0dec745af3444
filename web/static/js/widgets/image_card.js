// One image in the grid: thumbnail, masks over it, its state.

import { chip, element, fill } from './elements.js';
import { counted } from './format.js';
import { paintMasks } from './mask_overlay.js';

/** @typedef {import('../api/types.js').ImageFacts} ImageFacts */

const OVERLAY_WIDTH = 240;

/** @type {Record<string, ['' | 'ok' | 'active' | 'film' | 'danger', string]>} */
const STATE_CHIPS = {
  waiting: ['', 'Preparing'],
  ready: ['ok', 'Ready'],
  in_progress: ['active', 'In progress'],
  submitted: ['film', 'Submitted'],
  skipped: ['', 'Skipped'],
};

/**
 * The chip of an image: its state, or what keeps it from being ready.
 * @param {ImageFacts} image
 * @returns {HTMLElement}
 */
export function stateChip(image) {
  if (image.state === 'waiting' && image.embedding === 'failed') return chip('Preparing failed', 'danger');
  const [tone, word] = STATE_CHIPS[image.state] ?? ['', image.state];
  return chip(word, tone);
}

/** One place in the grid. It is empty until its image is known, and has its masks only while it is in sight. */
export class ImageCard {
  #options;
  #shown = '';
  /** @type {ImageFacts | null} */
  #image = null;
  #picture = element('img', { alt: '', loading: 'lazy', decoding: 'async' });
  #masks = element('canvas', { 'aria-hidden': 'true', width: 0, height: 0 });
  #painted = '';
  #name = element('span', { class: 'one-line' });
  #facts = element('span', { class: 'image-card-facts' });
  #open = element('button', { type: 'button', class: 'image-card-open' });
  #box = element('input', { type: 'checkbox' });
  #inSight = false;

  /**
   * @param {object} options
   * @param {HTMLElement} options.root
   * @param {import('../api/client.js').ApiClient} options.api
   * @param {import('./resting_queue.js').RestingQueue} options.painting
   * @param {(image: ImageFacts) => void} options.onOpen
   * @param {(isChosen: boolean, toHere: boolean) => void} options.onChoose  `toHere`: all from the one before
   */
  constructor(options) {
    this.#options = options;
    this.#open.append(element('span', { class: 'image-card-sheet' }, this.#picture, this.#masks), this.#name);
    this.#open.addEventListener('click', () => this.#image !== null && options.onOpen(this.#image));
    this.#box.addEventListener('click', (event) => options.onChoose(this.#box.checked, event.shiftKey));
    options.root.append(this.#open, this.#facts);
  }

  /** @returns {string} id of the image */
  get id() {
    return this.#image?.id ?? '';
  }

  /** @param {ImageFacts} image */
  show(image) {
    const facts = JSON.stringify(image);
    if (facts === this.#shown) return;
    this.#shown = facts;
    this.#image = image;
    if (this.#picture.getAttribute('src') !== image.thumbnail_url) this.#picture.src = image.thumbnail_url;
    this.#name.textContent = image.name;
    this.#open.title = `${image.name}, ${image.width} × ${image.height} pixels`;
    this.#options.root.dataset.state = image.state;
    const masks = image.num_masks > 0 ? element('span', { class: 'small quiet' }, counted(image.num_masks, 'mask')) : null;
    this.#box.setAttribute('aria-label', `Choose ${image.name}`);
    fill(this.#facts, this.#box, stateChip(image), image.held_out ? chip('For scoring', 'active') : null, image.is_reference ? chip('Reference', 'active') : null, image.is_practice ? chip('Practice', 'active') : null, masks);
    if (this.#painted !== masksShown(image)) this.#wipe();
    this.sighted(this.#inSight);
  }

  /** @param {boolean} isChosen */
  mark(isChosen) {
    this.#box.checked = isChosen;
  }

  /** @param {'button' | 'input'} which */
  focus(which) {
    (which === 'input' ? this.#box : this.#open).focus({ preventScroll: true });
  }

  /** @param {boolean} inSight  a canvas that nobody sees would hold its pixels for nothing */
  sighted(inSight) {
    this.#inSight = inSight;
    const image = this.#image;
    if (!inSight) {
      this.#options.painting.drop(this);
      this.#wipe();
    } else if (image !== null && image.num_masks > 0 && this.#painted === '') {
      this.#options.painting.add(this, () => this.#paint(image));
    }
  }

  #wipe() {
    this.#painted = '';
    this.#masks.width = this.#masks.height = 0;
  }

  /**
   * A card without its masks is still a card: a fault here is not worth a message.
   * @param {ImageFacts} image
   */
  async #paint(image) {
    try {
      const { masks } = await this.#options.api.masksOf(image.id);
      if (!this.#inSight || this.#image !== image) return;
      this.#masks.width = OVERLAY_WIDTH;
      this.#masks.height = Math.max(1, Math.round((OVERLAY_WIDTH * image.height) / image.width));
      paintMasks(this.#masks, masks.filter((mask) => mask.state === 'accepted'), image);
      this.#painted = masksShown(image);
    } catch {
      this.#wipe();
    }
  }
}

/** @param {ImageFacts} image @returns {string} */
function masksShown(image) {
  return `${image.id} ${image.num_masks}`;
}
