// One image at the size of the window, with its masks.

import { byId } from './elements.js';
import { ask } from './forms.js';
import { faultText, toast } from './toasts.js';
import { counted } from './format.js';
import { paintMasks } from './mask_overlay.js';

/** @typedef {import('../api/types.js').ImageFacts} ImageFacts */

const LONGEST_PX = 1400;
const MARKS = /** @type {const} */ ([
  ['viewer-held-out', 'held_out'],
  ['viewer-reference', 'is_reference'],
  ['viewer-practice', 'is_practice'],
]);

/** The dialog #viewer. */
export class ImageViewer {
  #api;
  #dialog = byId('viewer', HTMLDialogElement);
  #canvas = byId('viewer-masks', HTMLCanvasElement);
  #shown = '';
  #onChange;

  /** @param {{api: import('../api/client.js').ApiClient, onChange: () => void}} options */
  constructor({ api, onChange }) {
    this.#api = api;
    this.#onChange = onChange;
    for (const [id, field] of MARKS) byId(id, HTMLInputElement).addEventListener('change', () => void this.#mark(id, field));
    byId('viewer-remove', HTMLElement).addEventListener('click', () => void this.#remove());
    for (const close of this.#dialog.querySelectorAll('[data-close]')) {
      close.addEventListener('click', () => this.#dialog.close());
    }
    this.#dialog.addEventListener('click', (event) => {
      if (event.target === this.#dialog) this.#dialog.close();
    });
  }

  /** @param {ImageFacts} image */
  async open(image) {
    this.#shown = image.id;
    byId('viewer-name', HTMLElement).textContent = image.name;
    byId('viewer-facts', HTMLElement).textContent = `${image.width} × ${image.height} pixels, ${counted(image.num_masks, 'mask')}`;
    for (const [id, field] of MARKS) byId(id, HTMLInputElement).checked = image[field] ?? false;
    const picture = byId('viewer-image', HTMLImageElement);
    picture.width = image.width;
    picture.height = image.height;
    picture.src = image.tiles === null ? image.file_url : image.thumbnail_url;
    this.#clear(image);
    this.#dialog.showModal();
    await this.#paint(image);
  }

  /** @param {string} id @param {typeof MARKS[number][1]} field */
  async #mark(id, field) {
    const box = byId(id, HTMLInputElement);
    try {
      await this.#api.changeImage(this.#shown, { [field]: box.checked });
      this.#onChange();
    } catch (fault) {
      box.checked = !box.checked;
      toast(`It was not changed: ${faultText(fault)}`, 'danger');
    }
  }

  async #remove() {
    const name = byId('viewer-name', HTMLElement).textContent;
    if (!(await ask(`Remove ${name} from this project? Uploading the same picture brings it back with its masks.`, { agree: 'Remove', danger: true }))) return;
    try {
      await this.#api.removeImage(this.#shown);
      this.#dialog.close();
      this.#onChange();
    } catch (fault) {
      toast(`It was not removed: ${faultText(fault)}`, 'danger');
    }
  }

  /** @param {ImageFacts} image */
  #clear(image) {
    const scale = Math.min(1, LONGEST_PX / Math.max(image.width, image.height));
    this.#canvas.width = Math.max(1, Math.round(image.width * scale));
    this.#canvas.height = Math.max(1, Math.round(image.height * scale));
  }

  /** @param {ImageFacts} image */
  async #paint(image) {
    if (image.num_masks === 0) return;
    const { masks } = await this.#api.masksOf(image.id);
    const accepted = masks.filter((mask) => mask.state === 'accepted');
    if (this.#shown === image.id) paintMasks(this.#canvas, accepted, image);
  }
}
