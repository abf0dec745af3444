/**
 * Saving without a button: every change of the masks goes to the journal, and with it the undo timeline. The
 * object in hand goes there as a draft a moment later, so that another browser of this person can go on from it.
 *
 * @typedef {import('../../state/workbench.js').Workbench} Workbench
 * @typedef {import('../../state/changes.js').Change} Change
 * @typedef {import('../../state/types.js').Mask} Mask
 * @typedef {import('../../state/types.js').History} History
 * @typedef {import('../../journal/journal.js').Journal} Journal
 * @typedef {import('../../journal/journal.js').MaskSave} MaskSave
 * @typedef {import('../../api/types.js').StoredMask} StoredMask
 *
 * @typedef {object} SavingOptions
 * @property {import('../../state/store.js').Store<Workbench>} store
 * @property {Journal} journal
 * @property {string} person  UUID
 * @property {() => string | null | undefined} assignment  id of the lease in hand; null for a correction, which has none;
 *   undefined without an image
 * @property {() => string | null} modelVersion  of the image in hand
 * @property {number} [draftEveryMs]  at most so often a draft of the object in hand is saved; 2000 when absent
 * @property {() => Promise<unknown>} [drawn]  resolves when the frame that is due was drawn; nothing is waited for when absent
 * @property {(message: string) => void} fault
 */
import { changesBetween, sameForServer } from '../../state/changes.js';
import { draftOf, takenInHand } from '../../state/drafts.js';
import { cooled, historyFrom, reconciled, timelineOf } from '../../state/timeline.js';
import { newHistory } from '../../state/history.js';
import { docFromServer } from '../../state/masks.js';
import { currentOf, docOf, sizeOf } from '../../state/workbench.js';

const DRAFT_EVERY_MS = 2000;

export class Saving {
  #options;
  /** Changes on their way into the journal. @type {Set<Promise<void>>} */
  #recording = new Set();
  /** @type {Promise<void> | null} */
  #writing = null;
  #hasNoRoom = false;
  /** @type {Map<string, History>} by image */
  #unwritten = new Map();
  /** The object in hand as the server has it, or will. @type {Mask | null} */
  #drafted = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #draftTimer;

  /** @param {SavingOptions} options */
  constructor(options) {
    this.#options = options;
    const { store, journal } = options;
    store.watchNow((now, before) => this.#follow(now, before));
    journal.addEventListener('state', () => this.#showState());
    this.#showState();
  }

  /**
   * The masks and the timeline of an image: what the server holds, under what this device has not sent. A mask that is
   * sent while the server answers may be missing in the answer and in what is unsent by then: it is looked for before.
   *
   * @param {string} image
   * @param {() => Promise<{masks: readonly StoredMask[]}>} read  what the server holds
   */
  async historyOf(image, read) {
    const { journal } = this.#options;
    const before = await journal.unsavedOf(image);
    const { masks: stored } = await read();
    await journal.noteServerMasks(stored);
    const answered = new Set(stored.map((mask) => mask.id));
    const unsaved = [...before.filter((wish) => !answered.has(wish.mask)), ...(await journal.unsavedOf(image))];
    const theirs = new Set(stored.filter((mask) => mask.author !== this.#options.person).map((mask) => mask.id));
    const known = docFromServer(withUnsaved(stored, unsaved));
    const local = historyFrom(await journal.getTimeline(image));
    const truth = takenInHand(known, local?.present.current ?? null, (mask) => !theirs.has(mask.id));
    this.#drafted = known.masks.find((mask) => mask.id === truth.current?.id) ?? null;
    return local ? reconciled(local, truth) : newHistory(truth);
  }

  /** Resolves when every change and the timeline are on this device. */
  async written() {
    if (this.#draftTimer !== undefined) this.draft();
    while (this.#recording.size || this.#writing) await Promise.all([...this.#recording, this.#writing]);
  }

  /**
   * @param {Workbench} now
   * @param {Workbench} before
   */
  #follow(now, before) {
    if (now.history === before.history || !now.image || now.image !== before.image) return;
    const assignment = this.#options.assignment();
    if (assignment === undefined) return;
    for (const change of changesBetween(docOf(before), docOf(now))) void this.#record(wishOf(change, now.image.id, assignment));
    if (currentOf(now) !== currentOf(before)) this.#followHand(now, now.image.id, assignment);
    this.#unwritten.set(now.image.id, now.history);
    void this.#writeTimelines();
  }

  /**
   * A draft that is neither in hand nor in the list any more goes; what is in hand is drafted in a moment.
   *
   * @param {Workbench} now
   * @param {string} image
   * @param {string | null} assignment
   */
  #followHand(now, image, assignment) {
    const current = currentOf(now);
    const drafted = this.#drafted;
    if (drafted && drafted.id !== current?.id) {
      this.#drafted = null;
      const isListed = docOf(now).masks.some((mask) => mask.id === drafted.id);
      if (!isListed) void this.#record(wishOf({ kind: 'delete', mask: drafted }, image, assignment));
    }
    if (current) this.#draftTimer ??= setTimeout(() => this.draft(), this.#options.draftEveryMs ?? DRAFT_EVERY_MS);
  }

  /** Saves the object in hand as a draft now, if there is anything new to keep. */
  draft() {
    clearTimeout(this.#draftTimer);
    this.#draftTimer = undefined;
    const bench = this.#options.store.get();
    const assignment = this.#options.assignment();
    if (!bench.image || assignment === undefined) return;
    const mask = draftOf(docOf(bench), { size: sizeOf(bench), modelVersion: this.#options.modelVersion() });
    const isKept = mask && this.#drafted && sameForServer(this.#drafted, mask) && this.#drafted.steps.length === mask.steps.length;
    if (!mask || isKept) return;
    this.#drafted = mask;
    void this.#record(wishOf({ kind: 'save', mask }, bench.image.id, assignment));
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

  /** One write at a time, always of the newest state of an image, and after that was drawn: nobody waits for a disk. */
  async #writeTimelines() {
    if (this.#writing) return;
    while (this.#unwritten.size) {
      this.#writing = this.#keepTimeline(this.#writeTimeline());
      this.#showState();
      await this.#writing;
    }
    this.#writing = null;
    this.#showState();
  }

  async #writeTimeline() {
    await this.#options.drawn?.();
    const [[image, history]] = this.#unwritten;
    this.#unwritten.delete(image);
    await this.#options.journal.putTimeline(image, timelineOf(cooled(history)));
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

  /**
   * Masks go on without their timeline: what is lost of it is undo over a reload, which is said once.
   *
   * @param {Promise<void>} write
   */
  async #keepTimeline(write) {
    try {
      await write;
      this.#hasNoRoom = false;
    } catch {
      if (!this.#hasNoRoom) this.#options.fault('This device has no room for the undo history: a reload will shorten it');
      this.#hasNoRoom = true;
    }
  }

  /** The journal knows only what it holds already: a change on its way into it is not saved either. */
  #showState() {
    const { kind, count, message, signInNeeded, numOnlyHere } = this.#options.journal.state;
    const onItsWay = kind === 'saved' && (this.#recording.size > 0 || this.#writing !== null);
    const told = { count, signInNeeded, numOnlyHere };
    const save = onItsWay ? /** @type {const} */ ({ ...told, kind: 'saving', message: 'Saving.' }) : { ...told, kind, message };
    this.#options.store.update((bench) => ({ ...bench, save }));
  }
}

/**
 * @param {Change} change
 * @param {string} image
 * @param {string | null} assignment
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
    parent: mask.parent ?? null,
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
