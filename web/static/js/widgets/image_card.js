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

/** A card that is shown again with newer facts, and draws its masks only when it is in sight. */
export class ImageCard {
  #api;
  #shown = '';
  #painted = -1;
  /** @type {ImageFacts | null} */
  #image = null;
  #picture = element('img', { alt: '', loading: 'lazy', decoding: 'async' });
  #masks = element('canvas', { 'aria-hidden': 'true' });
  #name = element('span', { class: 'one-line' });
  #facts = element('span', { class: 'image-card-facts' });
  #open = element('button', { type: 'button', class: 'image-card-open' });
  #box = element('input', { type: 'checkbox' });
  #inSight = false;

  /**
   * @param {object} options
   * @param {import('../api/client.js').ApiClient} options.api
   * @param {(image: ImageFacts) => void} options.onOpen
   * @param {(image: ImageFacts, isChosen: boolean) => void} options.onChoose
   */
  constructor({ api, onOpen, onChoose }) {
    this.#api = api;
    this.#open.append(element('span', { class: 'image-card-sheet' }, this.#picture, this.#masks), this.#name);
    this.#open.addEventListener('click', () => this.#image !== null && onOpen(this.#image));
    this.#box.addEventListener('change', () => this.#image !== null && onChoose(this.#image, this.#box.checked));
    this.root = element('li', { class: 'image-card' }, this.#open, this.#facts);
    const watcher = new IntersectionObserver((entries) => this.#sighted(entries.some((entry) => entry.isIntersecting)));
    watcher.observe(this.root);
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
    this.root.dataset.state = image.state;
    const masks = image.num_masks > 0 ? element('span', { class: 'small quiet' }, counted(image.num_masks, 'mask')) : null;
    this.#box.setAttribute('aria-label', `Choose ${image.name}`);
    fill(this.#facts, this.#box, stateChip(image), image.held_out ? chip('For scoring', 'active') : null, image.is_reference ? chip('Reference', 'active') : null, image.is_practice ? chip('Practice', 'active') : null, masks);
    void this.#paint();
  }

  /** @param {boolean} isChosen */
  mark(isChosen) {
    this.#box.checked = isChosen;
  }

  /** @param {boolean} inSight */
  #sighted(inSight) {
    this.#inSight = inSight;
    void this.#paint();
  }

  async #paint() {
    const image = this.#image;
    if (image === null || !this.#inSight || this.#painted === image.num_masks) return;
    this.#painted = image.num_masks;
    const masks = image.num_masks === 0 ? [] : await this.#acceptedMasks(image.id);
    this.#masks.width = OVERLAY_WIDTH;
    this.#masks.height = Math.max(1, Math.round((OVERLAY_WIDTH * image.height) / image.width));
    paintMasks(this.#masks, masks, image);
  }

  /**
   * A card without its masks is still a card: a fault here is not worth a message.
   * @param {string} image
   * @returns {Promise<import('../api/types.js').StoredMask[]>}
   */
  async #acceptedMasks(image) {
    try {
      const { masks } = await this.#api.masksOf(image);
      return masks.filter((mask) => mask.state === 'accepted');
    } catch {
      this.#painted = -1;
      return [];
    }
  }
}
