// Sends files one request each, a few at a time, and tells how far each one is.

/**
 * @typedef {object} UploadEnd
 * @property {'added' | 'duplicate' | 'refused' | 'failed'} outcome
 * @property {string} message why it was refused or failed; "" otherwise
 */

/**
 * @typedef {object} Answer
 * @property {number} status 0 when there was none
 * @property {string} text
 * @property {string} fault why there was none; "" otherwise
 */

const AT_ONCE = 2;
const TOKEN = /(?:^|;\s*)(?:__Host-)?csrftoken=([^;]+)/;

/** A queue of files on their way to one address. */
export class UploadQueue {
  #url;
  #onProgress;
  #onEnd;
  /** @type {File[]} */
  #waiting = [];
  #sending = 0;

  /**
   * @param {object} options
   * @param {string} options.url accepts multipart `files`
   * @param {(file: File, share: number) => void} options.onProgress
   * @param {(file: File, end: UploadEnd) => void} options.onEnd
   */
  constructor({ url, onProgress, onEnd }) {
    this.#url = url;
    this.#onProgress = onProgress;
    this.#onEnd = onEnd;
  }

  /** How many files are not through yet. */
  get length() {
    return this.#waiting.length + this.#sending;
  }

  /** @param {Iterable<File>} files */
  add(files) {
    this.#waiting.push(...files);
    this.#sendMore();
  }

  #sendMore() {
    while (this.#sending < AT_ONCE) {
      const file = this.#waiting.shift();
      if (file === undefined) return;
      this.#sending += 1;
      void this.#send(file);
    }
  }

  /** @param {File} file */
  async #send(file) {
    const end = endOf(await postFile(this.#url, file, (share) => this.#onProgress(file, share)));
    this.#sending -= 1;
    this.#onEnd(file, end);
    this.#sendMore();
  }
}

/**
 * One file by XMLHttpRequest: fetch cannot tell how far an upload is.
 * @param {string} url
 * @param {File} file
 * @param {(share: number) => void} onProgress
 * @returns {Promise<Answer>}
 */
export function postFile(url, file, onProgress) {
  const form = new FormData();
  form.append('files', file, file.name);
  const request = new XMLHttpRequest();
  request.open('POST', url);
  request.setRequestHeader('X-CSRFToken', decodeURIComponent(TOKEN.exec(document.cookie)?.[1] ?? ''));
  request.setRequestHeader('Accept', 'application/json');
  request.upload.addEventListener('progress', (sent) => onProgress(sent.total > 0 ? sent.loaded / sent.total : 0));
  return new Promise((resolve) => {
    request.addEventListener('load', () => resolve({ status: request.status, text: request.responseText, fault: '' }));
    request.addEventListener('error', () => resolve({ status: 0, text: '', fault: 'The server cannot be reached.' }));
    request.addEventListener('abort', () => resolve({ status: 0, text: '', fault: 'The upload was stopped.' }));
    request.send(form);
  });
}

/**
 * What an answer says about the one image that was sent.
 * @param {Answer} answer
 * @returns {UploadEnd}
 */
function endOf(answer) {
  const body = jsonOrNull(answer.text);
  const refused = body?.refused?.[0];
  if (refused) return { outcome: 'refused', message: String(refused.message) };
  const added = body?.images?.[0];
  if (answer.status === 201 && added) return { outcome: added.duplicate ? 'duplicate' : 'added', message: '' };
  return { outcome: 'failed', message: messageOf(answer) };
}

/**
 * Why a file was not taken, in words.
 * @param {Answer} answer
 * @returns {string}
 */
export function messageOf({ status, text, fault }) {
  if (status === 401) return 'You are signed out: sign in again, then upload this file again.';
  return fault || String(jsonOrNull(text)?.error?.message ?? `The server answered ${status}.`);
}

/** @param {string} text @returns {any} */
function jsonOrNull(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
