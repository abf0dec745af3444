/**
 * Everything a person can do to the masks of an image, on one undo timeline.
 *
 * @typedef {import('../../state/workbench.js').Workbench} Workbench
 * @typedef {import('../../state/workbench.js').Place} Place
 * @typedef {import('../../state/types.js').Doc} Doc
 * @typedef {import('../../state/types.js').Current} Current
 * @typedef {import('../../state/types.js').Box} Box
 * @typedef {import('../../state/types.js').Stroke} Stroke
 * @typedef {import('../../timing/recorder.js').InteractionRecorder} InteractionRecorder
 *
 * @typedef {object} ActOptions
 * @property {import('../../state/store.js').Store<Workbench>} store
 * @property {InteractionRecorder} recorder
 * @property {() => string | null} modelVersion  of the image in hand
 * @property {() => void} objectBegins  the clock of the 30-second ring starts again
 * @property {(message: string, options?: {danger?: boolean, action?: {label: string, run: () => void}}) => void} say
 */
import { areaOf, cleanUp, subtract } from '../../geometry/raster.js';
import { numRuns } from '../../geometry/rle.js';
import { chosenCandidate } from '../../state/candidates.js';
import {
  addPoint,
  chooseCandidate,
  cleaned,
  maskOf,
  movePoint,
  needsAnswer,
  newCurrent,
  paint,
  removePoint,
  setBox,
} from '../../state/current.js';
import { strokeArea } from '../../state/painted.js';
import { isEmpty } from '../../state/rasters.js';
import { amend, commit, redo, undo } from '../../state/history.js';
import { acceptCurrent, acceptWithParts, deleteMask, giveUpCurrent, inHand, maskAt, moveMask, reopen } from '../../state/masks.js';
import { currentOf, docOf, sizeOf } from '../../state/workbench.js';

const ANSWER_LIMIT_MS = 10_000;
const FIRST_MIN_AREA = 64;
/** Of a mask; the server takes no more than 400,000 (MAX_RUNS_PER_MASK). */
const MANY_RUNS = 300_000;

const LABELS = { brush: 'Brush stroke', eraser: 'Eraser stroke', lasso: 'Lasso' };

export class Acts {
  #options;
  /** Id of the object that shall be accepted as soon as its masks are there. @type {string | null} */
  #acceptNext = null;
  /** Called when that object was accepted, or is not in hand any more. @type {(nothing?: unknown) => void} */
  #answered = () => {};

  /** @param {ActOptions} options */
  constructor(options) {
    this.#options = options;
    options.store.watchNow((now, before) => {
      this.#acceptAnswered(now);
      if (now.cleanUp && currentOf(now) !== currentOf(before)) options.store.update((bench) => ({ ...bench, cleanUp: null }));
    });
  }

  /** @returns {Workbench} */
  get #bench() {
    return this.#options.store.get();
  }

  /**
   * @param {Place} at
   * @param {0 | 1} label
   */
  addPoint(at, label) {
    const point = { x: Math.floor(at.x), y: Math.floor(at.y), label };
    const current = this.#change('Point', (now, size) => addPoint(now, point, size));
    if (current) this.#record('point', current, { ...point, index: current.points.length - 1 });
  }

  /** @param {number} index */
  removePoint(index) {
    const current = this.#change('Remove point', (now, size) => removePoint(now, index, size));
    if (current) this.#record('point_removed', current, { index });
  }

  /**
   * @param {number} index
   * @param {Place} at
   */
  movePoint(index, at) {
    const to = { x: Math.floor(at.x), y: Math.floor(at.y) };
    const current = this.#change('Move point', (now, size) => movePoint(now, index, to, size));
    if (current) this.#record('point_moved', current, { index, ...to });
  }

  /** @param {Box} box */
  setBox(box) {
    const current = this.#change('Box', (now, size) => setBox(now, box, size));
    if (current) this.#record('box', current, { box });
  }

  /**
   * @param {Stroke} stroke
   * @param {number} tookMs  from the first to the last touch
   * @param {boolean} goesOn  with the stroke before: one undo takes both back
   */
  paint(stroke, tookMs, goesOn) {
    if (stroke.mode === 'eraser' && !currentOf(this.#bench) && !this.#openForErasing(stroke)) {
      this.#options.say('Nothing to erase here: take a mask in hand first');
      return;
    }
    const label = LABELS[stroke.shape === 'lasso' ? 'lasso' : stroke.mode];
    const before = currentOf(this.#bench);
    const isOneStep = goesOn && this.#bench.history.future.length === 0;
    const current = this.#change(isOneStep ? null : label, (now, size) => paint(now, stroke, strokeArea(size, stroke)));
    if (current) this.#record('stroke', current, { ...stroke, duration_ms: Math.round(tookMs), ...this.#pixelsChanged(before, current) });
  }

  /** Show what a clean-up of the mask in hand, or else of the selected one, would change. */
  offerCleanUp() {
    const bench = this.#bench;
    if (!this.#mayEdit()) return;
    if (!currentOf(bench) && bench.selected) this.refine(bench.selected);
    const current = currentOf(this.#bench);
    if (!current || isEmpty(maskOf(current, sizeOf(bench)))) return this.#options.say('Take a mask in hand first: then its holes and specks can be cleaned up');
    this.setCleanUp(FIRST_MIN_AREA);
  }

  /** @param {number} minArea  image pixels */
  setCleanUp(minArea) {
    const current = currentOf(this.#bench);
    if (!current) return;
    const mask = maskOf(current, sizeOf(this.#bench));
    const clean = cleanUp(mask, minArea);
    const change = { minArea, filled: subtract(clean, mask), dropped: subtract(mask, clean) };
    this.#options.store.update((bench) => ({ ...bench, cleanUp: change }));
  }

  leaveCleanUp() {
    this.#options.store.update((bench) => ({ ...bench, cleanUp: null }));
  }

  applyCleanUp() {
    const { cleanUp: wanted } = this.#bench;
    this.leaveCleanUp();
    const before = currentOf(this.#bench);
    if (!wanted || !before || areaOf(wanted.filled) + areaOf(wanted.dropped) === 0) return;
    const current = this.#change('Clean up', (now) => cleaned(now, wanted.minArea, wanted));
    if (current) this.#record('stroke', current, { mode: 'clean_up', min_area: wanted.minArea, duration_ms: 0, ...this.#pixelsChanged(before, current) });
  }

  /**
   * What a stroke really changed, in image pixels.
   *
   * @param {Current | null} before
   * @param {Current} after
   */
  #pixelsChanged(before, after) {
    const size = sizeOf(this.#bench);
    const now = maskOf(after, size);
    if (!before) return { painted_px: areaOf(now), erased_px: 0 };
    const earlier = maskOf(before, size);
    return { painted_px: areaOf(subtract(now, earlier)), erased_px: areaOf(subtract(earlier, now)) };
  }

  /**
   * The eraser with nothing in hand takes the selected mask, or the one below it.
   *
   * @param {Stroke} stroke
   */
  #openForErasing(stroke) {
    const bench = this.#bench;
    const [x, y] = stroke.points[0] ?? [-1, -1];
    const id = bench.selected ?? maskAt(docOf(bench), x, y, bench.hidden)?.id;
    if (id) this.#commit('Open mask', reopen(docOf(bench), id));
    return id !== undefined;
  }

  /** @param {number} index */
  chooseCandidate(index) {
    const current = currentOf(this.#bench);
    const candidate = current?.candidates[index];
    if (!current || !candidate || index === current.chosen || !this.#mayEdit()) return;
    const chosen = chooseCandidate(current, index);
    this.#options.store.update((bench) => ({
      ...bench,
      grain: candidate.atClickOnly === undefined ? candidate.token : bench.grain,
      history: amend(bench.history, inHand(bench.history.present, chosen)),
    }));
    this.#record('candidate', chosen, this.#answerOf(chosen));
  }

  /** @param {1 | -1} step */
  nextCandidate(step) {
    const current = currentOf(this.#bench);
    const count = current?.candidates.length ?? 0;
    if (current && count > 1) this.chooseCandidate((current.chosen + step + count) % count);
  }

  /** @returns {boolean} whether nothing is in hand any more */
  accept() {
    const bench = this.#bench;
    const current = currentOf(bench);
    if (!current || !this.#mayEdit()) return current === null;
    if (needsAnswer(current) && bench.decoder.kind === 'ready') {
      this.#acceptNext = current.id;
      return false;
    }
    const doc = acceptCurrent(docOf(bench), this.#maskFacts());
    if (doc === docOf(bench)) {
      this.#options.say('There is no mask to accept yet');
      return false;
    }
    this.#commit('Accept', doc);
    this.#record('accept', current, this.#answerOf(current));
    this.#options.objectBegins();
    this.#warnOfManyRuns(current.id);
    return true;
  }

  /**
   * A mask of countless specks is hardly what somebody meant.
   *
   * @param {string} id
   */
  #warnOfManyRuns(id) {
    const counts = docOf(this.#bench).masks.find((mask) => mask.id === id)?.rle.counts ?? '';
    const runs = counts.length > MANY_RUNS ? numRuns(counts) : 0;
    if (runs <= MANY_RUNS) return;
    const clean = () => {
      this.refine(id);
      this.offerCleanUp();
    };
    this.#options.say(`This mask has ${runs.toLocaleString('en')} runs; with more than 400,000 it cannot be saved`, { danger: true, action: { label: 'Clean up', run: clean } });
  }

  /** Accept what is in hand, and the finer candidates within it as masks of their own. */
  acceptWithParts() {
    const current = currentOf(this.#bench);
    if (!current || !this.#mayEdit()) return;
    const known = new Set([current.id, ...docOf(this.#bench).masks.map((mask) => mask.id)]);
    const doc = acceptWithParts(docOf(this.#bench), this.#maskFacts(), () => crypto.randomUUID());
    if (doc === docOf(this.#bench)) return this.#options.say('There is no mask to accept yet');
    const parts = doc.masks.filter((mask) => !known.has(mask.id));
    this.#commit('Accept with parts', doc);
    this.#record('accept', current, this.#answerOf(current));
    for (const { id } of parts) this.#options.recorder.record('accept', { mask: id, detail: { part_of: current.id } });
    this.#options.objectBegins();
    const count = parts.length === 1 ? 'one part' : `${parts.length} parts`;
    this.#options.say(parts.length ? `Accepted with ${count}` : 'Accepted; no other candidate is a part of it', { action: this.#undoAction() });
  }

  /**
   * Accept, also when the masks are still on their way: whoever hands an image in right after a click means it.
   *
   * @param {number} [limitMs]
   * @returns {Promise<boolean>} whether nothing is in hand any more
   */
  async acceptWhenAnswered(limitMs = ANSWER_LIMIT_MS) {
    if (this.accept() || this.#acceptNext === null) return currentOf(this.#bench) === null;
    await new Promise((resolve) => {
      this.#answered = resolve;
      setTimeout(resolve, limitMs);
    });
    if (this.#acceptNext !== null) this.#options.say('The model has not answered yet. Submit again in a moment');
    return currentOf(this.#bench) === null;
  }

  /**
   * A hand that presses Enter right after the click is faster than the decoder: the key still counts.
   *
   * @param {Workbench} bench
   */
  #acceptAnswered(bench) {
    const current = currentOf(bench);
    if (this.#acceptNext === null || (current?.id === this.#acceptNext && needsAnswer(current))) return;
    const wanted = current?.id === this.#acceptNext;
    this.#acceptNext = null;
    queueMicrotask(() => {
      if (wanted) this.accept();
      this.#answered();
    });
  }

  giveUp() {
    const current = currentOf(this.#bench);
    if (!current || !this.#mayEdit()) return;
    this.#commit('Give up', giveUpCurrent(docOf(this.#bench), this.#maskFacts()));
    this.#record('give_up', current, this.#answerOf(current));
    this.#options.objectBegins();
    this.#options.say('Kept as a hard object', { action: this.#undoAction() });
  }

  clear() {
    const current = currentOf(this.#bench);
    if (!current) return this.select(null);
    this.#commit('Clear', inHand(docOf(this.#bench), null));
    this.#record('clear', current, {});
  }

  /** @param {string} id */
  remove(id) {
    if (this.#bench.correcting) return this.#options.say('Reject it in the review instead: its annotator learns why');
    const doc = deleteMask(docOf(this.#bench), id);
    if (doc === docOf(this.#bench) || !this.#mayEdit()) return;
    this.#commit('Delete', doc);
    this.#options.recorder.record('delete', { mask: id });
    this.#options.say('Mask deleted', { action: this.#undoAction() });
  }

  removeSelected() {
    const bench = this.#bench;
    const current = currentOf(bench);
    const id = bench.selected ?? (current?.reopened ? current.id : null);
    if (id) this.remove(id);
    else this.#sayHowToSelect();
  }

  #sayHowToSelect() {
    this.#options.say('Select a mask in the list first, or Ctrl and click it in the image');
  }

  /** @param {1 | -1} step  1 is later in the list */
  moveSelected(step) {
    const { selected } = this.#bench;
    if (!selected) return this.#sayHowToSelect();
    if (this.#mayEdit()) this.#commit('Reorder', moveMask(docOf(this.#bench), selected, step));
  }

  /** @param {string | null} [id]  of a mask; the selected one when absent */
  toggleHidden(id = this.#bench.selected) {
    if (!id) return this.#sayHowToSelect();
    this.#options.store.update((bench) => {
      const hidden = new Set(bench.hidden);
      if (!hidden.delete(id)) hidden.add(id);
      return { ...bench, hidden };
    });
  }

  /** @param {string} id */
  refine(id) {
    if (!this.#mayEdit() || currentOf(this.#bench)?.id === id) return;
    if (currentOf(this.#bench) && !this.#setAside()) return;
    this.#commit('Open mask', reopen(docOf(this.#bench), id));
    this.#options.objectBegins();
  }

  refineSelected() {
    const bench = this.#bench;
    const id = bench.selected ?? bench.hovered;
    if (id) this.refine(id);
    else this.#sayHowToSelect();
  }

  /** The object in hand goes into the list when there is a mask; a prompt without one is cleared. */
  #setAside() {
    const bench = this.#bench;
    const current = currentOf(bench);
    if (!current || isEmpty(maskOf(current, sizeOf(bench)))) this.clear();
    else this.accept();
    return currentOf(this.#bench) === null;
  }

  undo() {
    if (!this.#mayEdit()) return;
    const before = this.#bench.history;
    this.#options.store.update((bench) => ({ ...bench, history: undo(bench.history), preview: null }));
    if (this.#bench.history !== before) this.#options.recorder.record('undo', { mask: this.#idInHand() });
  }

  redo() {
    if (!this.#mayEdit()) return;
    const before = this.#bench.history;
    this.#options.store.update((bench) => ({ ...bench, history: redo(bench.history), preview: null }));
    if (this.#bench.history !== before) this.#options.recorder.record('redo', { mask: this.#idInHand() });
  }

  /** @param {string | null} id */
  select(id) {
    this.#options.store.update((bench) => ({ ...bench, selected: id === bench.selected ? null : id }));
  }

  /** @param {Place} at */
  selectAt(at) {
    const mask = maskAt(docOf(this.#bench), at.x, at.y, this.#bench.hidden);
    this.#options.store.update((bench) => ({ ...bench, selected: mask?.id ?? null }));
  }

  /**
   * Change the object in hand as one step of the timeline; an empty hand takes a new object.
   *
   * @param {string | null} label  null: no step of its own
   * @param {(current: Current, size: {width: number, height: number}) => Current} change
   * @returns {Current | null} what is in hand now; null when this image is locked
   */
  #change(label, change) {
    if (!this.#mayEdit()) return null;
    const bench = this.#bench;
    const current = change(currentOf(bench) ?? newCurrent(crypto.randomUUID()), sizeOf(bench));
    this.#commit(label, inHand(docOf(bench), current));
    return current;
  }

  /**
   * @param {string | null} label  null: no step of its own
   * @param {Doc} doc
   */
  #commit(label, doc) {
    this.#options.store.update((bench) => {
      const kept = doc.masks.some((mask) => mask.id === bench.selected) && !doc.current;
      const history = label === null ? amend(bench.history, doc) : commit(bench.history, label, doc);
      return { ...bench, history, preview: null, selected: kept ? bench.selected : null };
    });
  }

  #mayEdit() {
    const { editing, lockedReason, image } = this.#bench;
    if (editing === 'locked') this.#options.say(lockedReason);
    return image !== null && editing === 'open';
  }

  #maskFacts() {
    const { overlapRule, correcting } = this.#bench;
    return { size: sizeOf(this.#bench), modelVersion: this.#options.modelVersion(), overlapRule: correcting ? /** @type {const} */ ('allowed') : overlapRule };
  }

  #idInHand() {
    return currentOf(this.#bench)?.id ?? null;
  }

  #undoAction() {
    return { label: 'Undo', run: () => this.undo() };
  }

  /** @param {Current} current */
  #answerOf(current) {
    const candidate = chosenCandidate(current);
    if (!candidate) return {};
    const { token, predictedIou, atClickOnly } = candidate;
    return { token, predicted_iou: predictedIou, ...(atClickOnly !== undefined && { at_click_only: atClickOnly }) };
  }

  /**
   * @param {string} kind
   * @param {Current} current
   * @param {Record<string, unknown>} detail
   */
  #record(kind, current, detail) {
    this.#options.recorder.record(kind, { mask: current.id, detail });
  }
}
