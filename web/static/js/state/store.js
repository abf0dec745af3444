/**
 * Holds one immutable value and tells its readers, at most once per animation frame, that it was replaced.
 *
 * @template T
 * @typedef {object} Store
 * @property {() => T} get
 * @property {(change: (value: T) => T) => T} update  applies a pure change and returns the new value
 * @property {(reader: (value: T, before: T) => void) => void} watch  called on the next frame after a change
 * @property {(reader: (value: T, before: T) => void) => void} watchNow  called in the same turn as each change
 */

/**
 * @template T
 * @param {T} first
 * @param {(paint: () => void) => void} [schedule]
 * @returns {Store<T>}
 */
export function createStore(first, schedule = (paint) => requestAnimationFrame(paint)) {
  /** @type {((value: T, before: T) => void)[]} */
  const readers = [];
  /** @type {((value: T, before: T) => void)[]} */
  const eager = [];
  const held = { value: first, shown: first, waiting: false };

  const show = () => {
    held.waiting = false;
    const before = held.shown;
    held.shown = held.value;
    for (const reader of readers) reader(held.value, before);
  };

  return {
    get: () => held.value,
    update(change) {
      const before = held.value;
      held.value = change(before);
      if (held.value === before) return before;
      for (const reader of eager) reader(held.value, before);
      if (!held.waiting) {
        held.waiting = true;
        schedule(show);
      }
      return held.value;
    },
    watch: (reader) => void readers.push(reader),
    watchNow: (reader) => void eager.push(reader),
  };
}
