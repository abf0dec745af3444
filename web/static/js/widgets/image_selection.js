// Several images chosen in the grid, in sight or not, and what can be done with all of them.

import { byId, element, fill } from './elements.js';
import { counted, whole } from './format.js';
import { ask } from './forms.js';
import { byReason, changeInBatches } from './image_batches.js';
import { faultText, toast } from './toasts.js';

/** @typedef {import('../api/types.js').ImageChanges} ImageChanges */
/** @typedef {import('../api/types.js').RefusedImage} RefusedImage */

const GONE = 'Uploading the same picture brings it back with its masks.';
const NAMES_SHOWN = 5;
/** @type {readonly [button: string, done: string, changes: ImageChanges][]} */
const ACTS = [
  ['chosen-hold-out', 'kept for scoring', { held_out: true }],
  ['chosen-train', 'trained on from now on', { held_out: false }],
  ['chosen-practice', 'in the practice set', { is_practice: true }],
  ['chosen-no-practice', 'out of the practice set', { is_practice: false }],
  ['chosen-reference', 'marked as reference', { is_reference: true }],
  ['chosen-no-reference', 'no longer marked as reference', { is_reference: false }],
];

/** The bar #chosen with the line #chosen-count, its buttons, its progress and why images were refused. */
export class ImageSelection {
  #options;
  #bar = byId('chosen', HTMLElement);
  #progress = byId('chosen-progress', HTMLProgressElement);
  /** @type {Set<string>} ids */
  #chosen = new Set();

  /**
   * @param {object} options
   * @param {import('../api/client.js').ApiClient} options.api
   * @param {string} options.project
   * @param {number} options.most  images changed in one request
   * @param {() => void} options.onChange images were changed or removed
   * @param {() => void} options.onCleared cards show anew what is chosen
   */
  constructor(options) {
    this.#options = options;
    for (const [button, done, changes] of ACTS) byId(button, HTMLElement).addEventListener('click', () => void this.#change(done, changes));
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

  async #remove() {
    const what = counted(this.#chosen.size, 'image');
    if (!(await ask(`Remove ${what} from this project? ${GONE}`, { agree: 'Remove', danger: true }))) return;
    await this.#change('removed', { removed: true });
  }

  /**
   * Those that are refused, or were not reached, stay chosen.
   * @param {string} done @param {ImageChanges} changes
   */
  async #change(done, changes) {
    const { api, project, most } = this.#options;
    const wanted = [...this.#chosen];
    /** @type {RefusedImage[]} */
    const refused = [];
    let numChanged = 0;
    this.#busy(0, wanted.length);
    const fault = await changeInBatches(wanted, {
      most,
      change: (images) => api.changeImages(project, images, changes),
      onBatch: (report, seen) => {
        refused.push(...report.refused);
        numChanged += report.changed.length;
        this.#settle(report);
        this.#busy(seen, wanted.length);
      },
    });
    this.#bar.inert = false;
    this.#progress.hidden = true;
    this.#show();
    const gone = refused.filter(isGone).length;
    this.#showRefused(refused.filter((one) => !isGone(one)));
    if (numChanged > 0) toast(`${counted(numChanged, 'image')} ${done}.`);
    if (gone > 0) toast(`${counted(gone, 'image')} had been removed before.`);
    if (fault !== null) toast(`${counted(wanted.length - numChanged - refused.length, 'image')} not changed: ${faultText(fault)}`, 'danger');
    this.#options.onCleared();
    this.#options.onChange();
  }

  /** @param {number} seen @param {number} total */
  #busy(seen, total) {
    this.#bar.inert = true;
    this.#progress.hidden = false;
    this.#progress.value = seen / total;
    byId('chosen-count', HTMLElement).textContent = `${whole(seen)} of ${counted(total, 'image')} done`;
  }

  /** @param {import('../api/types.js').ImageChangeReport} report */
  #settle({ changed, refused }) {
    for (const id of changed) this.#chosen.delete(id);
    for (const { id } of refused.filter(isGone)) this.#chosen.delete(id);
  }

  /** @param {RefusedImage[]} refused */
  #showRefused(refused) {
    const lines = byReason(refused).map(({ reason, names }) =>
      element('p', {}, `${counted(names.length, 'image')} stayed as ${names.length > 1 ? 'they were' : 'it was'}: ${reason} `, element('span', { class: 'quiet' }, namesOf(names))),
    );
    const list = byId('chosen-refused', HTMLElement);
    list.hidden = lines.length === 0;
    fill(list, ...lines);
  }

  clear() {
    this.#chosen.clear();
    this.#show();
    this.#options.onCleared();
  }

  #show() {
    this.#bar.hidden = this.#chosen.size === 0;
    if (this.#bar.hidden) this.#showRefused([]);
    byId('chosen-count', HTMLElement).textContent = `${counted(this.#chosen.size, 'image')} chosen`;
  }
}

/** @param {RefusedImage} refused @returns {boolean} nobody could take away the choice of what is not in the grid */
function isGone({ code }) {
  return code === 'not_found';
}

/** @param {string[]} names @returns {string} the first of them */
function namesOf(names) {
  const more = names.length - NAMES_SHOWN;
  return [...names.slice(0, NAMES_SHOWN), ...(more > 0 ? [`and ${whole(more)} more`] : [])].join(', ');
}
