/** Whether the person is here: page visible, and something was touched not long ago. */

const SIGNS_OF_LIFE = ['pointermove', 'pointerdown', 'pointerup', 'keydown', 'wheel'];

/**
 * @typedef {'hidden' | 'visible' | 'idle' | 'active'} ActivityKind
 */

/**
 * @typedef {object} ActivityOptions
 * @property {number} idleAfterMs
 * @property {() => number} now monotonic milliseconds
 * @property {(kind: ActivityKind, atMs: number) => void} onChange `idle` is dated back to the last
 *   sign of life
 */

export class Activity {
  #options;
  #lastSignMs;
  #isIdle = false;
  #isHidden;
  #activeMs = 0;
  #activeSinceMs;
  /** @type {ReturnType<typeof setInterval>} */
  #clock;
  #listening = new AbortController();

  /** @param {ActivityOptions} options */
  constructor(options) {
    this.#options = options;
    this.#lastSignMs = options.now();
    this.#activeSinceMs = this.#lastSignMs;
    this.#isHidden = document.visibilityState === 'hidden';
    const { signal } = this.#listening;
    for (const kind of SIGNS_OF_LIFE) {
      document.addEventListener(kind, () => this.noteSign(), { signal, passive: true, capture: true });
    }
    document.addEventListener('visibilitychange', () => this.#turn(), { signal });
    this.#clock = setInterval(() => this.#look(), Math.max(50, Math.min(1000, options.idleAfterMs / 4)));
  }

  /** @returns {boolean} */
  get isActive() {
    return !this.#isIdle && !this.#isHidden;
  }

  /** @returns {number} milliseconds with the page visible and the person not idle */
  get activeMs() {
    return this.#activeMs + (this.isActive ? this.#options.now() - this.#activeSinceMs : 0);
  }

  /** Begins to count again. */
  restart() {
    this.#activeMs = 0;
    this.#activeSinceMs = this.#options.now();
  }

  /** Something was touched. */
  noteSign() {
    this.#lastSignMs = this.#options.now();
    if (!this.#isIdle) return;
    this.#isIdle = false;
    this.#activeSinceMs = this.#lastSignMs;
    this.#options.onChange('active', this.#lastSignMs);
  }

  close() {
    this.#listening.abort();
    clearInterval(this.#clock);
  }

  #look() {
    const { now, idleAfterMs, onChange } = this.#options;
    if (!this.isActive || now() - this.#lastSignMs < idleAfterMs) return;
    this.#activeMs += Math.max(0, this.#lastSignMs - this.#activeSinceMs);
    this.#isIdle = true;
    onChange('idle', this.#lastSignMs);
  }

  #turn() {
    const isHidden = document.visibilityState === 'hidden';
    if (isHidden === this.#isHidden) return;
    const nowMs = this.#options.now();
    if (isHidden && !this.#isIdle) this.#activeMs += nowMs - this.#activeSinceMs;
    this.#isHidden = isHidden;
    this.#isIdle = false;
    this.#lastSignMs = nowMs;
    this.#activeSinceMs = nowMs;
    this.#options.onChange(isHidden ? 'hidden' : 'visible', nowMs);
  }
}
