// Several images chosen in the grid, in sight or not, and what can be done with all of them.

import { byId } from './elements.js';
import { counted } from './format.js';
import { ask } from './forms.js';
import { faultText, toast } from './toasts.js';

const GONE = 'Uploading the same picture brings it back with its masks.';

/** The bar #chosen with the line #chosen-count and its buttons. */
export class ImageSelection {
  #api;
  #onChange;
  #onCleared;
  #bar = byId('chosen', HTMLElement);
  /** @type {Set<string>} ids */
  #chosen = new Set();

  /**
   * @param {object} options
   * @param {import('../api/client.js').ApiClient} options.api
   * @param {() => void} options.onChange images were changed or removed
   * @param {() => void} options.onCleared cards show anew what is chosen
   */
  constructor({ api, onChange, onCleared }) {
    this.#api = api;
    this.#onChange = onChange;
    this.#onCleared = onCleared;
    this.#wire('chosen-hold-out', 'kept for scoring', (image) => this.#api.changeImage(image, { held_out: true }));
    this.#wire('chosen-train', 'trained on from now on', (image) => this.#api.changeImage(image, { held_out: false }));
    this.#wire('chosen-practice', 'in the practice set', (image) => this.#api.changeImage(image, { is_practice: true }));
    this.#wire('chosen-no-practice', 'out of the practice set', (image) => this.#api.changeImage(image, { is_practice: false }));
    byId('chosen-remove', HTMLElement).addEventListener('click', () => void this.#remove());
    byId('chosen-none', HTMLElement).addEventListener('click', () => this.clear());
  }

  /** @param {string} image @returns {boolean} */
  has(image) {
    return this.#chosen.has(image);
  }

  /** @param {string} image @param {boolean} isChosen */
  choose(image, isChosen) {
    if (isChosen) this.#chosen.add(image);
    else this.#chosen.delete(image);
    this.#show();
  }

  /** @param {string} button @param {string} done @param {(image: string) => Promise<unknown>} act */
  #wire(button, done, act) {
    byId(button, HTMLElement).addEventListener('click', () => void this.#forAll(done, act));
  }

  async #remove() {
    const what = counted(this.#chosen.size, 'image');
    if (!(await ask(`Remove ${what} from this project? ${GONE}`, { agree: 'Remove', danger: true }))) return;
    await this.#forAll('removed', (image) => this.#api.removeImage(image));
  }

  /**
   * One after the other; those that are refused stay chosen.
   * @param {string} done @param {(image: string) => Promise<unknown>} act
   */
  async #forAll(done, act) {
    this.#bar.inert = true;
    const before = this.#chosen.size;
    let reason = '';
    for (const image of [...this.#chosen]) {
      try {
        await act(image);
        this.#chosen.delete(image);
      } catch (fault) {
        reason = faultText(fault);
      }
      this.#show();
    }
    this.#bar.inert = false;
    const left = this.#chosen.size;
    if (left < before) toast(`${counted(before - left, 'image')} ${done}.`);
    if (left > 0) toast(`${counted(left, 'image')} stayed as ${left === 1 ? 'it was' : 'they were'}: ${reason}`, 'danger');
    this.#onCleared();
    this.#onChange();
  }

  clear() {
    this.#chosen.clear();
    this.#show();
    this.#onCleared();
  }

  #show() {
    this.#bar.hidden = this.#chosen.size === 0;
    byId('chosen-count', HTMLElement).textContent = `${counted(this.#chosen.size, 'image')} chosen`;
  }
}
