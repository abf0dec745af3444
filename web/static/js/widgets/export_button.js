// Starts an export, follows it, and offers its file.

import { byId } from './elements.js';
import { counted } from './format.js';
import { faultText } from './toasts.js';

const LOOK_MS = 1000;
const LONGEST_MS = 10 * 60 * 1000;

/** @typedef {{id: string, state: string, progress?: number, num_masks?: number, part?: object, with_pictures?: boolean, error?: string, file_url?: string | null}} ExportFacts */

/** The buttons #export, #export-stop and #export-file with the choices #export-format, #export-pictures and #export-part and the line #export-state. */
export class ExportButton {
  #api;
  #project;
  #button = byId('export', HTMLButtonElement);
  #stop = byId('export-stop', HTMLButtonElement);
  #format = byId('export-format', HTMLSelectElement);
  #pictures = byId('export-pictures', HTMLInputElement);
  #part = byId('export-part-form', HTMLFormElement);
  #file = byId('export-file', HTMLAnchorElement);
  #state = byId('export-state', HTMLElement);
  #running = '';

  /**
   * @param {object} options
   * @param {import('../api/client.js').ApiClient} options.api
   * @param {string} options.project
   */
  constructor({ api, project }) {
    this.#api = api;
    this.#project = project;
  }

  wire() {
    this.#button.addEventListener('click', () => void this.#run());
    this.#stop.addEventListener('click', () => void this.#cancel());
    this.#format.addEventListener('input', () => this.#settle());
    this.#part.addEventListener('submit', (event) => event.preventDefault());
    this.#part.addEventListener('input', () => this.#settle());
    this.#part.addEventListener('reset', () => setTimeout(() => this.#settle()));
    this.#settle();
  }

  async #run() {
    this.#button.disabled = this.#format.disabled = true;
    this.#file.hidden = true;
    const asked = { format: this.#format.value, part: partOf(this.#part), with_pictures: this.#pictures.checked && !this.#pictures.disabled };
    try {
      await this.#follow(await this.#api.startExport(this.#project, asked));
    } catch (fault) {
      this.#say(`The export did not start: ${faultText(fault)}`);
    } finally {
      this.#button.disabled = this.#format.disabled = false;
      this.#stop.hidden = true;
    }
  }

  /** @param {import('../api/types.js').Json} started */
  async #follow(started) {
    const until = Date.now() + LONGEST_MS;
    let facts = /** @type {ExportFacts} */ (started);
    this.#running = facts.id;
    this.#stop.hidden = this.#stop.disabled = false;
    while (['queued', 'running'].includes(facts.state) && Date.now() < until) {
      const share = facts.progress ? `, ${Math.round(facts.progress * 100)} %` : '';
      this.#say(`Writing the export${share}…`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      facts = /** @type {ExportFacts} */ (await this.#api.exportState(facts.id));
    }
    this.#end(facts);
  }

  async #cancel() {
    this.#stop.disabled = true;
    try {
      await this.#api.cancelExport(this.#running);
    } catch (fault) {
      this.#say(`The export was not cancelled: ${faultText(fault)}`);
      this.#stop.disabled = false;
    }
  }

  /** @param {ExportFacts} facts */
  #end(facts) {
    if (facts.state === 'cancelled') {
      this.#say('The export was cancelled.');
      return;
    }
    if (facts.state !== 'done') {
      this.#say(`The export failed: ${facts.error || `it is ${facts.state}`}. Nothing was lost; try again.`);
      return;
    }
    const format = this.#format.selectedOptions[0]?.textContent ?? '';
    const pictures = facts.with_pictures ? ' with the pictures' : '';
    const what = Object.keys(facts.part ?? {}).length === 0 ? '' : ', the part you chose';
    this.#say(`The export is ready${facts.num_masks === undefined ? '' : `: ${counted(facts.num_masks, 'mask')} as ${format}${pictures}${what}`}.`);
    this.#file.href = facts.file_url ?? `${document.body.dataset.api}exports/${facts.id}/file`;
    this.#file.hidden = false;
  }

  /** What a round trained on is exported as it was then: the other choices fall away. Some formats go without pictures. */
  #settle() {
    this.#pictures.disabled = this.#format.selectedOptions[0]?.dataset.withoutPictures !== undefined;
    const isOfRound = 'trained_in' in partOf(this.#part);
    for (const field of this.#part.querySelectorAll('select, input')) {
      if (field instanceof HTMLSelectElement || field instanceof HTMLInputElement) field.disabled = isOfRound && field.name !== 'round';
    }
  }

  /** @param {string} text */
  #say(text) {
    this.#state.textContent = text;
    this.#state.hidden = false;
  }
}

/**
 * What a form asks for; a field that is disabled asks for nothing.
 *
 * @param {HTMLFormElement} form
 * @returns {import('../api/types.js').ExportPart}
 */
export function partOf(form) {
  /** @type {Record<string, string | number | boolean>} */
  const part = {};
  for (const [name, value] of new FormData(form)) {
    if (typeof value !== 'string' || value === '') continue;
    if (name === 'round') {
      const [what, number] = value.split(':');
      part[what ?? ''] = Number(number);
    } else part[name] = name === 'reviewed' ? value === 'true' : value;
  }
  return part;
}
