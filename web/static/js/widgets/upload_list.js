// The list of uploads: one line per file with its progress, and why it was refused.

import { bar, byId, chip, element, fill } from './elements.js';
import { bytes, counted } from './format.js';
import { UploadQueue } from './upload.js';

/** @typedef {import('./upload.js').UploadEnd} UploadEnd */
/** @typedef {{root: HTMLElement, progress: HTMLProgressElement, state: HTMLElement, end: UploadEnd | null}} Line  `end` is null while it is on the way */

/** The section #uploads. */
export class UploadList {
  #queue;
  #maxBytes;
  #onAdded;
  /** @type {Map<File, Line>} */
  #lines = new Map();

  /**
   * @param {object} options
   * @param {string} options.url
   * @param {number} options.maxBytes larger files are refused before they are sent
   * @param {() => void} options.onAdded
   */
  constructor({ url, maxBytes, onAdded }) {
    this.#maxBytes = maxBytes;
    this.#onAdded = onAdded;
    this.#queue = new UploadQueue({
      url,
      onProgress: (file, share) => this.#progressed(file, share),
      onEnd: (file, end) => this.#ended(file, end),
    });
    byId('uploads-clear', HTMLElement).addEventListener('click', () => this.#clearFinished());
    byId('uploads-again', HTMLElement).addEventListener('click', () => this.#sendFailedAgain());
    addEventListener('beforeunload', (event) => {
      if (this.#queue.length > 0) event.preventDefault();
    });
  }

  /** @param {File[]} files */
  add(files) {
    for (const file of files) this.#addLine(file);
    const small = files.filter((file) => file.size <= this.#maxBytes);
    for (const file of files) if (file.size > this.#maxBytes) this.#refuseLarge(file);
    this.#queue.add(small);
    this.#summarise();
  }

  /** @param {File} file */
  #addLine(file) {
    const progress = bar(0, `Upload of ${file.name}`);
    const state = element('span', { class: 'upload-state' }, progress);
    const root = element(
      'li',
      { class: 'upload-line' },
      element('span', { class: 'one-line', title: file.name }, file.name),
      element('span', { class: 'small quiet number' }, bytes(file.size)),
      state,
    );
    this.#lines.set(file, { root, progress, state, end: null });
    byId('upload-list', HTMLElement).append(root);
  }

  /** @param {File} file */
  #refuseLarge(file) {
    const message = `${bytes(file.size)} is more than the ${bytes(this.#maxBytes)} an image may have.`;
    this.#ended(file, { outcome: 'refused', message });
  }

  /** A file that came in after all is not kept twice: the same content is the same image. */
  #sendFailedAgain() {
    const failed = [...this.#lines].filter(([, line]) => line.end?.outcome === 'failed');
    for (const [, line] of failed) {
      line.end = null;
      line.progress.value = 0;
      fill(line.state, line.progress);
    }
    this.#queue.add(failed.map(([file]) => file));
    this.#summarise();
  }

  /** @param {File} file @param {number} share */
  #progressed(file, share) {
    const line = this.#lines.get(file);
    if (line !== undefined) line.progress.value = share;
  }

  /** @param {File} file @param {UploadEnd} end */
  #ended(file, end) {
    const line = this.#lines.get(file);
    if (line === undefined) return;
    line.end = end;
    fill(line.state, endChip(end), end.message === '' ? null : element('span', { class: 'small' }, end.message));
    this.#summarise();
    if (end.outcome === 'added') this.#onAdded();
  }

  #summarise() {
    byId('uploads', HTMLElement).hidden = this.#lines.size === 0;
    const ends = [...this.#lines.values()].map((line) => line.end?.outcome ?? 'going');
    /** @param {string} outcome */
    const num = (outcome) => ends.filter((end) => end === outcome).length;
    const parts = [
      num('going') > 0 ? `${counted(num('going'), 'file')} on the way` : '',
      `${num('added')} added`,
      num('duplicate') > 0 ? `${num('duplicate')} here already` : '',
      num('refused') > 0 ? `${num('refused')} refused` : '',
      num('failed') > 0 ? `${num('failed')} failed` : '',
    ];
    byId('uploads-again', HTMLElement).hidden = num('failed') === 0;
    byId('uploads-summary', HTMLElement).textContent = parts.filter((part) => part !== '').join(', ');
  }

  #clearFinished() {
    for (const [file, line] of this.#lines) {
      if (line.end === null) continue;
      line.root.remove();
      this.#lines.delete(file);
    }
    this.#summarise();
  }
}

/** @param {UploadEnd} end @returns {HTMLElement} */
function endChip(end) {
  if (end.outcome === 'added') return chip('Added', 'ok');
  if (end.outcome === 'duplicate') return chip('Here already');
  return chip(end.outcome === 'refused' ? 'Refused' : 'Failed', 'danger');
}
