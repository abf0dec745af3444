/**
 * How many threads the decoder uses here: one, until a trial says that more are faster.
 * onnxruntime-web spins while it waits, so on a busy machine two threads can be slower than one.
 */

const MOST_THREADS = 4;
const MEMORY_KEY = 'maskwright.decoder.threads';
const REMEMBERED_MS = 3600_000;
/** More threads must win by this much, or they are not worth their noise. */
const WORTHWHILE_GAIN = 0.9;

/** @returns {number} 1 unless the page is cross-origin isolated */
export function mostThreads() {
  if (!globalThis.crossOriginIsolated) return 1;
  return Math.max(1, Math.min(MOST_THREADS, navigator.hardwareConcurrency || 1));
}

/**
 * @param {number} manyMs one decode with several threads
 * @param {number} singleMs one decode with one thread
 * @returns {boolean} whether several threads are worth it
 */
export function isFasterWithMany(manyMs, singleMs) {
  return manyMs < singleMs * WORTHWHILE_GAIN;
}

/** @typedef {{threads: number, decodeMs: number}} ThreadChoice */

/**
 * The choice of an earlier page, if it is fresh and was made under the same limit.
 *
 * @returns {ThreadChoice | null}
 */
export function rememberedChoice() {
  const text = quietly(() => localStorage.getItem(MEMORY_KEY)) ?? 'null';
  const memory = quietly(() => JSON.parse(text));
  const isFresh = memory?.most === mostThreads() && Date.now() - memory.at < REMEMBERED_MS;
  return isFresh && memory.threads >= 1 && memory.threads <= memory.most ? memory : null;
}

/** @param {ThreadChoice} choice */
export function rememberChoice(choice) {
  const memory = { ...choice, most: mostThreads(), at: Date.now() };
  quietly(() => localStorage.setItem(MEMORY_KEY, JSON.stringify(memory)));
}

/** The next page measures again. */
export function forgetChoice() {
  quietly(() => localStorage.removeItem(MEMORY_KEY));
}

/**
 * Storage may be denied to a page; then nothing is remembered.
 *
 * @template Result
 * @param {() => Result} act
 * @returns {Result | null}
 */
function quietly(act) {
  try {
    return act();
  } catch (error) {
    if (error instanceof DOMException || error instanceof SyntaxError) return null;
    throw error;
  }
}
