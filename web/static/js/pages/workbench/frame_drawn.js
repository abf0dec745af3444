const HIDDEN_MS = 100;

/**
 * @returns {Promise<void>} resolves when the frame that is due was drawn; soon also in a tab that nobody sees, which
 *   draws none
 */
export function frameDrawn() {
  return new Promise((done) => {
    const timer = setTimeout(done, HIDDEN_MS);
    requestAnimationFrame(() => {
      clearTimeout(timer);
      setTimeout(done);
    });
  });
}
