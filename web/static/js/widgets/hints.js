// Hints that something changed: over a WebSocket while there is one, by asking again while there is not.

/** @typedef {'images' | 'throughput' | 'jobs' | 'models'} HintKind */

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 20000;
const LEAST_REFUSAL = 4400; // codes from here on: signed out, out of scope, too many
const ASK_AGAIN_MS = 10000;
const SHORTEST_REST_MS = 200;
const RESTS_PER_RUN = 4;
export const HINT_KINDS = /** @type {const} */ (['images', 'throughput', 'jobs', 'models']);

/** Follows one project's hints until closed. After each reconnection every kind is re-read. */
export class ProjectHints {
  #project;
  #onHint;
  #onState;
  #wait = FIRST_WAIT_MS;
  #closed = false;
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {ReturnType<typeof setInterval>} */
  #asking;

  /**
   * @param {object} options
   * @param {string} options.project
   * @param {(kind: HintKind) => void} options.onHint
   * @param {(live: boolean) => void} [options.onState]
   */
  constructor({ project, onHint, onState = () => undefined }) {
    this.#project = project;
    this.#onHint = onHint;
    this.#onState = onState;
    this.#asking = setInterval(() => this.#askWhileDown(), ASK_AGAIN_MS);
    this.#connect();
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    clearInterval(this.#asking);
    this.#socket?.close();
  }

  #connect() {
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    const socket = new WebSocket(`${scheme}://${location.host}/ws/projects/${this.#project}`);
    this.#socket = socket;
    socket.addEventListener('open', () => this.#opened());
    socket.addEventListener('message', (message) => this.#received(message.data));
    socket.addEventListener('close', ({ code }) => this.#dropped(code));
  }

  #opened() {
    this.#wait = FIRST_WAIT_MS;
    this.#onState(true);
    this.#hintAll();
  }

  /** @param {unknown} text */
  #received(text) {
    const kind = hintKind(text);
    if (kind !== null) this.#onHint(kind);
  }

  /** @param {number} code  after a refusal the page reads at once what it may still see, and does not press */
  #dropped(code) {
    if (this.#closed) return;
    this.#onState(false);
    if (code >= LEAST_REFUSAL) {
      this.#wait = LONGEST_WAIT_MS;
      this.#hintAll();
    }
    this.#timer = setTimeout(() => this.#connect(), this.#wait * (0.75 + Math.random() / 2));
    this.#wait = Math.min(LONGEST_WAIT_MS, this.#wait * 2);
  }

  #askWhileDown() {
    if (this.#socket?.readyState === WebSocket.OPEN || document.hidden) return;
    this.#hintAll();
  }

  #hintAll() {
    for (const kind of HINT_KINDS) this.#onHint(kind);
  }
}

/**
 * The kind named by a message, or null when it is none of ours.
 * @param {unknown} text
 * @returns {HintKind | null}
 */
function hintKind(text) {
  if (typeof text !== 'string') return null;
  const kind = JSON.parse(text).kind;
  return HINT_KINDS.includes(kind) ? kind : null;
}

/**
 * A reader that rests after each run, so that a page on a busy day asks during a fifth of the time at most,
 * however slow the answer.
 * @param {() => Promise<void>} read
 * @returns {{read: () => Promise<void>, hurry: () => void}} `hurry` ends the rest, or leaves
 *   out the next one, because somebody waits
 */
export function withRests(read) {
  const state = { isHurried: false, endRest: () => {} };
  const resting = async () => {
    const began = performance.now();
    await read();
    const rest = Math.max(SHORTEST_REST_MS, RESTS_PER_RUN * (performance.now() - began));
    if (!state.isHurried) {
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, rest);
        state.endRest = () => {
          clearTimeout(timer);
          resolve(undefined);
        };
      });
    }
    state.isHurried = false;
  };
  const hurry = () => {
    state.isHurried = true;
    state.endRest();
  };
  return { read: oneAtATime(resting), hurry };
}

/**
 * Runs a reader one call at a time; a call during a run makes one more run after it.
 * @param {() => Promise<void>} read
 * @returns {() => Promise<void>}
 */
export function oneAtATime(read) {
  const state = { running: false, again: false };
  const run = async () => {
    if (state.running) {
      state.again = true;
      return;
    }
    state.running = true;
    try {
      do {
        state.again = false;
        await read();
      } while (state.again);
    } finally {
      state.running = false;
    }
  };
  return run;
}
