// Work for what is in sight: done when the eye rests, a little at a time, and forgotten when it has moved on.

const REST_MS = 120;
const AT_ONCE = 3;

export class RestingQueue {
  /** @type {Map<object, () => Promise<void>>} */
  #jobs = new Map();
  #running = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {object} owner  has one job at most @param {() => Promise<void>} job  never rejects */
  add(owner, job) {
    this.#jobs.set(owner, job);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#next(), REST_MS);
  }

  /** @param {object} owner */
  drop(owner) {
    this.#jobs.delete(owner);
  }

  #next() {
    for (const [owner, job] of this.#jobs) {
      if (this.#running >= AT_ONCE) return;
      this.#jobs.delete(owner);
      this.#running += 1;
      void job().then(() => {
        this.#running -= 1;
        this.#next();
      });
    }
  }
}
