/** Questions of which only the newest counts: one is under way, the newest waits, the rest are answered `null`. */

/**
 * @template Question
 * @template Answer
 */
export class NewestOnly {
  #ask;
  /** @type {{question: Question, resolve: (answer: Answer | null) => void, reject: (error: unknown) => void} | null} */
  #waiting = null;
  #isAsking = false;
  /** Counts what is newer than what is under way. */
  #news = 0;

  /** @param {(question: Question) => Promise<Answer>} ask */
  constructor(ask) {
    this.#ask = ask;
  }

  /**
   * @param {Question} question
   * @returns {Promise<Answer | null>} null when something newer came
   */
  ask(question) {
    this.supersede();
    return new Promise((resolve, reject) => {
      this.#waiting = { question, resolve, reject };
      void this.#work();
    });
  }

  /** Something newer came: what waits, and what is under way, is answered `null`. */
  supersede() {
    this.#news += 1;
    this.#waiting?.resolve(null);
    this.#waiting = null;
  }

  async #work() {
    if (this.#isAsking) return;
    this.#isAsking = true;
    while (this.#waiting) {
      const { question, resolve, reject } = this.#waiting;
      this.#waiting = null;
      const news = this.#news;
      try {
        const answer = await this.#ask(question);
        resolve(news === this.#news ? answer : null);
      } catch (error) {
        reject(error);
      }
    }
    this.#isAsking = false;
  }
}
