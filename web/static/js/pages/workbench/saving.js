/**
 * Saving without a button: every change of the masks goes to the journal, and with it the undo timeline.
 *
 * @typedef {import('../../state/workbench.js').Workbench} Workbench
 * @typedef {import('../../state/changes.js').Change} Change
 * @typedef {import('../../state/types.js').Doc} Doc
 * @typedef {import('../../state/types.js').History} History
 * @typedef {import('../../journal/journal.js').Journal} Journal
 * @typedef {import('../../journal/journal.js').MaskSave} MaskSave
 * @typedef {import('../../api/types.js').StoredMask} StoredMask
 *
 * @typedef {object} SavingOptions
 * @property {import('../../state/store.js').Store<Workbench>} store
 * @property {Journal} journal
 * @property {() => string | null} assignment  id of the lease in hand
 * @property {(message: string) => void} fault
 */
import { changesBetween } from '../../state/changes.js';
import { cooled, historyFrom, reconciled, timelineOf } from '../../state/timeline.js';
import { newHistory } from '../../state/history.js';
import { docFromServer } from '../../state/masks.js';
import { docOf } from '../../state/workbench.js';

export class Saving {
  #options;
  /** Changes on their way into the journal. @type {Set<Promise<void>>} */
  #recording = new Set();
  /** @type {Promise<void> | null} */
  #writing = null;
  /** @type {Map<string, History>} by image */
  #unwritten = new Map();

  /** @param {SavingOptions} options */
  constructor(options) {
    this.#options = options;
    const { store, journal } = options;
    store.watchNow((now, before) => this.#follow(now, before));
    journal.addEventListener('state', () => this.#showState());
    this.#showState();
  }

  /**
   * The masks and the timeline of an image: what the server holds, under what this device has not sent.
   *
   * @param {string} image
   * @param {readonly StoredMask[]} stored
   */
  async historyOf(image, stored) {
    const { journal } = this.#options;
    await journal.noteServerMasks(stored);
    const unsaved = await journal.unsavedOf(image);
    const truth = docFromServer(withUnsaved(stored, unsaved));
    const local = historyFrom(await journal.getTimeline(image));
    return local ? reconciled(local, truth) : newHistory(truth);
  }

  /** Resolves when every change and the timeline are on this device. */
  async written() {
    while (this.#recording.size || this.#writing) await Promise.all([...this.#recording, this.#writing]);
  }

  /**
   * @param {Workbench} now
   * @param {Workbench} before
   */
  #follow(now, before) {
    if (now.history === before.history || !now.image || now.image !== before.image) return;
    const assignment = this.#options.assignment();
    if (!assignment) return;
    for (const change of changesBetween(docOf(before), docOf(now))) void this.#record(wishOf(change, now.image.id, assignment));
    this.#unwritten.set(now.image.id, now.history);
    void this.#writeTimelines();
  }

  /**
   * The chip says at once that something is on its way, not only when the journal has written it down.
   *
   * @param {MaskSave} wish
   */
  async #record(wish) {
    const write = this.#keep(this.#options.journal.record(wish));
    this.#recording.add(write);
    this.#showState();
    await write;
    this.#recording.delete(write);
    this.#showState();
  }

  /** One write at a time, always of the newest state of an image. */
  async #writeTimelines() {
    if (this.#writing) return;
    while (this.#unwritten.size) {
      const [[image, history]] = this.#unwritten;
      this.#unwritten.delete(image);
      this.#writing = this.#keep(this.#options.journal.putTimeline(image, timelineOf(cooled(history))));
      this.#showState();
      await this.#writing;
    }
    this.#writing = null;
    this.#showState();
  }

  /** @param {Promise<void>} write */
  async #keep(write) {
    try {
      await write;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#options.fault(`This change could not be kept on this device: ${reason}`);
    }
  }

  /** The journal knows only what it holds already: a change on its way into it is not saved either. */
  #showState() {
    const { kind, count, message, signInNeeded } = this.#options.journal.state;
    const onItsWay = kind === 'saved' && (this.#recording.size > 0 || this.#writing !== null);
    const save = onItsWay ? /** @type {const} */ ({ kind: 'saving', count, message: 'Saving.', signInNeeded }) : { kind, count, message, signInNeeded };
    this.#options.store.update((bench) => ({ ...bench, save }));
  }
}

/**
 * @param {Change} change
 * @param {string} image
 * @param {string} assignment
 * @returns {MaskSave}
 */
function wishOf({ kind, mask }, image, assignment) {
  return {
    mask: mask.id,
    image,
    assignment,
    state: kind === 'delete' ? 'deleted' : mask.state,
    rle: mask.rle,
    model_version: mask.modelVersion,
    predicted_iou: mask.predictedIou,
    order_index: mask.orderIndex,
    prompts: mask.steps.map((step) => ({ ...step })),
    given_up: mask.givenUp,
  };
}

/**
 * @param {readonly StoredMask[]} stored
 * @param {readonly MaskSave[]} unsaved
 * @returns {import('../../state/masks.js').ServerMask[]}
 */
function withUnsaved(stored, unsaved) {
  /** @type {Map<string, import('../../state/masks.js').ServerMask>} */
  const masks = new Map(stored.map((mask) => [mask.id, mask]));
  for (const wish of unsaved) masks.set(wish.mask, { ...wish, id: wish.mask });
  return [...masks.values()];
}
