// Data sets sent as zip files, or chosen in the server's folder: one line each with its upload, its import on the server, and what was refused.

import { bar, byId, chip, element, fill } from './elements.js';
import { bytes, counted } from './format.js';
import { faultText } from './toasts.js';
import { messageOf, postFile } from './upload.js';

const LOOK_MS = 1500;
const OPEN = ['queued', 'running'];

/**
 * @typedef {object} ImportReport
 * @property {number} images_added
 * @property {number} images_known
 * @property {number} masks_added
 * @property {number} masks_known
 * @property {number} masks_refused
 * @property {Record<string, number>} reasons how often each
 * @property {{place: string, code: string, message: string}[]} refusals the first ones
 */
/** @typedef {{id: string, name: string, state: string, progress: number, error: string, report: ImportReport}} ImportFacts */

/** The section #imports. */
export class DataSetImports {
  #api;
  #project;
  #maxBytes;
  #onChange;
  #sending = 0;

  /**
   * @param {object} options
   * @param {import('../api/client.js').ApiClient} options.api
   * @param {string} options.project
   * @param {number} options.maxBytes larger files are refused before they are sent
   * @param {() => void} options.onChange images or masks came in
   */
  constructor({ api, project, maxBytes, onChange }) {
    this.#api = api;
    this.#project = project;
    this.#maxBytes = maxBytes;
    this.#onChange = onChange;
    addEventListener('beforeunload', (event) => {
      if (this.#sending > 0) event.preventDefault();
    });
  }

  /** Shows what still runs from before the page was opened. */
  async resume() {
    const { imports } = /** @type {{imports: ImportFacts[]}} */ (/** @type {unknown} */ (await this.#api.imports(this.#project)));
    for (const facts of imports.filter(({ state }) => OPEN.includes(state))) void this.#follow(facts, this.#line(facts.name, ''));
  }

  /** @param {File[]} files */
  add(files) {
    for (const file of files) void this.#send(file);
  }

  /** @param {string} name  of an entry of the server's folder */
  async addFromServer(name) {
    const state = this.#line(name, '');
    try {
      const started = /** @type {ImportFacts} */ (/** @type {unknown} */ (await this.#api.importFromServer(this.#project, name)));
      await this.#follow(started, state);
    } catch (fault) {
      fill(state, chip('Failed', 'danger'), note(faultText(fault)));
    }
  }

  /** @param {File} file @param {HTMLElement} [state]  of its line, when it has one */
  async #send(file, state = this.#line(file.name, bytes(file.size))) {
    if (file.size > this.#maxBytes) {
      fill(state, chip('Refused', 'danger'), note(`It is more than the ${bytes(this.#maxBytes)} that one upload may have: send it in parts.`));
      return;
    }
    const progress = bar(0, `Upload of ${file.name}`);
    fill(state, progress, note('Sending…'));
    this.#sending += 1;
    const answer = await postFile(this.#api.importsUrl(this.#project), file, (share) => (progress.value = share));
    this.#sending -= 1;
    if (answer.status === 202) await this.#follow(/** @type {ImportFacts} */ (JSON.parse(answer.text)), state);
    else fill(state, chip('Failed', 'danger'), note(messageOf(answer)), this.#againButton(file, state));
  }

  /** @param {File} file @param {HTMLElement} state */
  #againButton(file, state) {
    const button = element('button', { class: 'button button-quiet', type: 'button', 'aria-label': `Send again: ${file.name}` }, 'Send again');
    button.addEventListener('click', () => void this.#send(file, state));
    return button;
  }

  /** @param {ImportFacts} started @param {HTMLElement} state */
  async #follow(started, state) {
    let facts = started;
    const progress = bar(facts.progress, `Import of ${facts.name}`);
    const words = note('');
    const tell = () => {
      progress.value = facts.progress;
      words.textContent = `Importing, ${Math.floor(facts.progress * 100)} %; you may leave this page.`;
    };
    tell();
    fill(state, progress, words, this.#cancelButton(facts));
    while (OPEN.includes(facts.state)) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      try {
        facts = /** @type {ImportFacts} */ (/** @type {unknown} */ (await this.#api.importState(facts.id)));
        tell();
      } catch (fault) {
        words.textContent = `How far it is cannot be seen: ${faultText(fault)} It goes on meanwhile.`;
      }
    }
    showEnd(facts, state);
    this.#onChange();
  }

  /** @param {ImportFacts} facts */
  #cancelButton(facts) {
    const button = element('button', { class: 'button button-quiet', type: 'button', 'aria-label': `Cancel the import of ${facts.name}` }, 'Cancel');
    button.addEventListener('click', () => {
      button.disabled = true;
      button.textContent = 'Stopping…';
      this.#api.cancelImport(facts.id).catch((fault) => {
        button.disabled = false;
        button.textContent = `Cancel (${faultText(fault)})`;
      });
    });
    return button;
  }

  /** @param {string} name @param {string} size @returns {HTMLElement} where its state is shown */
  #line(name, size) {
    const state = element('div', { class: 'upload-state' });
    const line = element(
      'li',
      { class: 'upload-line' },
      element('span', { class: 'one-line', title: name }, name),
      element('span', { class: 'small quiet number' }, size),
      state,
    );
    byId('import-list', HTMLElement).prepend(line);
    byId('imports', HTMLElement).hidden = false;
    return state;
  }
}

/** @param {ImportFacts} facts @param {HTMLElement} state */
function showEnd(facts, state) {
  if (facts.state === 'cancelled') {
    const { images_added = 0, masks_added = 0 } = facts.report;
    fill(state, chip('Cancelled'), note(`${counted(images_added, 'image')} and ${counted(masks_added, 'mask')} had come in, and stay.`));
    return;
  }
  if (facts.state !== 'done') {
    fill(state, chip('Failed', 'danger'), note(facts.error || `It is ${facts.state}.`));
    return;
  }
  const { images_added, images_known, masks_added, masks_known, masks_refused, refusals, reasons } = facts.report;
  const isNew = images_added + masks_added > 0;
  const known = images_known + masks_known > 0 ? ` ${counted(images_known, 'image')} and ${counted(masks_known, 'mask')} were here already.` : '';
  const refused = masks_refused > 0 ? ` ${counted(masks_refused, 'mask')} refused.` : '';
  fill(
    state,
    chip(isNew ? 'Added' : 'Nothing new', isNew ? 'ok' : ''),
    note(`${counted(images_added, 'image')} and ${counted(masks_added, 'mask')} added.${known}${refused}`),
    refusals.length === 0 ? null : refusalList(refusals, reasons),
  );
}

/** @param {ImportReport['refusals']} refusals @param {ImportReport['reasons']} reasons */
function refusalList(refusals, reasons) {
  const total = Object.values(reasons).reduce((sum, count) => sum + count, 0);
  const more = total > refusals.length ? element('li', {}, `… and ${counted(total - refusals.length, 'more refusal')}.`) : null;
  return element(
    'details',
    { class: 'small' },
    element('summary', {}, 'What was refused, and why'),
    element('ul', {}, ...refusals.map(({ place, message }) => element('li', {}, `${place}: ${message}`)), more),
  );
}

/** @param {string} text */
function note(text) {
  return element('span', { class: 'small' }, text);
}
