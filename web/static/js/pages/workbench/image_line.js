/**
 * The images this person has at hand: leases, what comes next, what was submitted.
 *
 * @typedef {import('../../state/workbench.js').Workbench} Workbench
 * @typedef {import('../../api/types.js').Assignment} Assignment
 * @typedef {import('../../api/types.js').SkipReason} SkipReason
 * @typedef {import('../../canvas/stage.js').Picture} Picture
 *
 * @typedef {import('../../api/types.js').Opening} Opening
 *
 * @typedef {object} Place  one image of the line
 * @property {Assignment | (Opening & {id: null})} assignment  without an id: a correction, which has no lease
 * @property {'open' | 'submitted' | 'skipped'} state
 *
 * @typedef {object} ImageLineOptions
 * @property {import('../../state/store.js').Store<Workbench>} store
 * @property {import('../../api/client.js').ApiClient} api
 * @property {import('../../journal/journal.js').Journal} journal
 * @property {import('../../timing/recorder.js').InteractionRecorder} recorder
 * @property {import('./decoding.js').Decoding} decoding
 * @property {import('./saving.js').Saving} saving
 * @property {import('./acts.js').Acts} acts
 * @property {string} project
 * @property {string | null} correction  the mask to correct, in the one image this page is for; else null
 * @property {() => void} corrected  called when the correction is saved
 * @property {boolean} practice  the line is of practice images: handed in, one stays and shows how close it came
 * @property {string} apiBase
 * @property {(picture: Picture | null) => void} show
 * @property {() => void} objectBegins
 * @property {(message: string, options?: {danger?: boolean}) => void} say
 */
import { ApiError } from '../../api/transport.js';
import { newHistory } from '../../state/history.js';
import { isSentBack } from '../../state/masks.js';
import { currentOf, docOf, PER_IMAGE } from '../../state/workbench.js';
import { maskOf, needsAnswer } from '../../state/current.js';
import { isEmpty } from '../../state/rasters.js';
import { ComingFiles } from './coming_files.js';
import { filesOf, loadPicture, readFile } from './pictures.js';

/** Images lent and fetched beyond the one in hand. */
const AHEAD = 3;
const RENEW_EVERY_MS = 60_000;
const LAST_IMAGE = 'maskwright.image';
const NO_PRACTICE = 'No practice image waits for you: you have been through all of them, or made their masks yourself. Going back brings an earlier one, to try it again.';

export class ImageLine {
  #options;
  /** @type {Place[]} */
  #places = [];
  #index = 0;
  #submitted = 0;
  #moving = false;
  #coming = new ComingFiles(readFile);

  /** @param {ImageLineOptions} options */
  constructor(options) {
    this.#options = options;
    setInterval(() => void this.#renew(), RENEW_EVERY_MS);
  }

  /** @returns {Place['assignment'] | null} */
  get assignment() {
    return this.#places[this.#index]?.assignment ?? null;
  }

  /** Lease what is next and open it; when this page was reloaded, the image it showed. */
  async start() {
    await this.#move(async () => {
      if (this.#options.correction) {
        const opening = await this.#options.api.correctionOf(this.#options.correction);
        this.#places = [{ assignment: { ...opening, id: null }, state: 'open' }];
        return this.#open(0);
      }
      await this.#lease();
      const wanted = new URLSearchParams(location.search).get('assignment');
      if (wanted) {
        history.replaceState(null, '', location.pathname);
        return this.#open(await this.#insert(wanted));
      }
      const last = sessionStorage.getItem(LAST_IMAGE);
      const found = this.#places.findIndex((place) => place.assignment.image.id === last && place.state === 'open');
      await this.#open(Math.max(0, found));
    });
  }

  async next() {
    if (this.#options.correction) return;
    await this.#move(async () => {
      if (this.#index + 1 >= this.#places.length) await this.#lease();
      if (this.#index + 1 < this.#places.length) await this.#open(this.#index + 1);
      else if (!this.#places.some((place) => place.state === 'open')) this.#nothingLeft();
      else this.#options.say('No further image now. Submit this one to get more');
    });
  }

  async previous() {
    if (this.#options.correction) return;
    await this.#move(async () => {
      if (this.#index === 0) await this.#recall();
      if (this.#index > 0) await this.#open(this.#index - 1);
      else this.#options.say('There is no earlier image of yours');
    });
  }

  /**
   * Open one of this person's images, however long ago they had it; what was handed in is shown locked.
   *
   * @param {string} id  of an assignment
   */
  async show(id) {
    if (this.#options.correction) return;
    await this.#move(async () => {
      const known = this.#places.findIndex((place) => place.assignment.id === id);
      await this.#open(known >= 0 ? known : await this.#insert(id));
    });
  }

  /**
   * @param {string} id  of an assignment
   * @returns {Promise<number>} its index, before the image that is shown
   */
  async #insert(id) {
    const { api, project } = this.#options;
    const found = await api.assignment(id);
    if (found.image.project !== project) throw new Error('This image belongs to another project');
    const { state } = found;
    const isEnded = state === 'submitted' || state === 'skipped';
    const assignment = isEnded ? found : await api.renewAssignment(id);
    this.#places = this.#places.filter((place) => place.assignment.image.id !== assignment.image.id);
    const index = Math.min(this.#index, this.#places.length);
    this.#places.splice(index, 0, { assignment, state: isEnded ? state : 'open' });
    this.#index += 1; // until the other is open, the one that is shown is the one that is meant
    return index;
  }

  /** Put the images this person finished before this page was opened at the front of the line. */
  async #recall() {
    const { api, practice } = this.#options;
    const { assignments } = await api.myAssignments({ practice });
    const known = new Set(this.#places.map((place) => place.assignment.image.id));
    /** @type {Place[]} */
    const earlier = [];
    for (const assignment of /** @type {Assignment[]} */ (assignments)) {
      const { state, image } = assignment;
      if (known.has(image.id) || image.project !== this.#options.project || (state !== 'submitted' && state !== 'skipped')) continue;
      known.add(image.id);
      earlier.unshift({ assignment, state });
    }
    this.#places.unshift(...earlier);
    this.#index += earlier.length;
  }

  /** Hand the image in and go on. What is in hand is accepted first; everything must have reached the server. */
  async submit() {
    await this.#move(async () => {
      const { api, acts, recorder, store } = this.#options;
      const place = this.#places[this.#index];
      if (!place || place.state !== 'open' || store.get().editing === 'locked') return;
      if (this.#handIsEmpty()) acts.clear();
      else if (!(await acts.acceptWhenAnswered())) return;
      if (!(await this.#allSaved(place))) return;
      if (place.assignment.id === null) {
        await this.#leave(place);
        return this.#options.corrected();
      }
      recorder.record('submit');
      await recorder.flush();
      await api.submitAssignment(place.assignment.id);
      place.state = 'submitted';
      this.#submitted += 1;
      await this.#leave(place);
      await (this.#options.practice ? this.#open(this.#index) : this.#goOn());
    });
  }

  /**
   * @param {string} reason
   * @param {string} note
   */
  async skip(reason, note) {
    await this.#move(async () => {
      const { api, recorder } = this.#options;
      const place = this.#places[this.#index];
      if (!place?.assignment.id || place.state !== 'open') return;
      if (!(await this.#allSaved(place))) return;
      recorder.record('skip', { detail: { reason } });
      await recorder.flush();
      await api.skipAssignment(place.assignment.id, /** @type {SkipReason} */ (reason), note);
      place.state = 'skipped';
      await this.#leave(place);
      await this.#goOn();
    });
  }

  /** A submitted image is taken back to be changed. */
  async reopen() {
    await this.#move(async () => {
      const place = this.#places[this.#index];
      if (!place?.assignment.id || place.state === 'open') return;
      await this.#options.api.reopenAssignment(place.assignment.id);
      place.state = 'open';
      await this.#open(this.#index);
    });
  }

  /** Open the image again, say after another tab let go of it; without one, look whether there is one now. */
  async again() {
    await this.#move(() => (this.#places[this.#index] ? this.#open(this.#index) : this.#goOn()));
  }

  /**
   * One move at a time; failures reach the screen.
   *
   * @param {() => Promise<void>} step
   */
  async #move(step) {
    if (this.#moving) return;
    this.#moving = true;
    try {
      await step();
    } catch (error) {
      this.#refused(error);
    } finally {
      this.#moving = false;
    }
  }

  /** @param {unknown} error */
  #refused(error) {
    const { store, say } = this.#options;
    const message = error instanceof Error ? error.message : String(error);
    if (error instanceof ApiError && error.status === 401) {
      store.update((bench) => ({ ...bench, save: { ...bench.save, kind: 'attention', signInNeeded: true, message } }));
    }
    if (store.get().image) say(message, { danger: true });
    else store.update((bench) => ({ ...bench, screen: { kind: 'failed', message } }));
  }

  /** Ask for leases and put the new ones at the end of the line. */
  async #lease() {
    const { api, practice, project } = this.#options;
    const answer = await api.nextAssignment(project, AHEAD, { practice });
    const leased = answer ? [answer.assignment, ...answer.upcoming] : [];
    for (const assignment of leased) {
      const known = this.#places.find((place) => place.assignment.image.id === assignment.image.id);
      if (!known) this.#places.push({ assignment, state: 'open' });
      else if (known.state === 'open') known.assignment = assignment;
    }
  }

  /** After an image is done: the next open one, or the end. */
  async #goOn() {
    await this.#lease();
    const ahead = this.#places.findIndex((place, i) => i > this.#index && place.state === 'open');
    const next = ahead >= 0 ? ahead : this.#places.findIndex((place) => place.state === 'open');
    if (next >= 0) await this.#open(next);
    else this.#nothingLeft();
  }

  /** @param {number} index */
  async #open(index) {
    const place = this.#places[index];
    if (!place) return this.#nothingLeft();
    const { api, journal, store, saving, decoding, recorder, show } = this.#options;
    const { image } = place.assignment;
    await saving.written();
    show(null);
    store.update((bench) => ({ ...bench, ...PER_IMAGE, image: null, screen: { kind: 'opening', message: image.name } }));
    const loading = loadPicture(image, this.#options.apiBase, this.#coming.take(image.id));
    const remembering = saving.historyOf(image.id, () => api.masksOf(image.id));
    const [picture, history, mine] = await Promise.all([loading, remembering, journal.claimImage(image.id)]);
    this.#index = index;
    if (place.assignment.id !== null) {
      sessionStorage.setItem(LAST_IMAGE, image.id);
      recorder.openAssignment(place.assignment.id);
    }
    this.#options.objectBegins();
    store.update((bench) => ({
      ...bench,
      history,
      image: { id: image.id, name: image.name, width: image.width, height: image.height, fileUrl: image.file_url },
      screen: { kind: 'ready', message: '' },
      line: { index, length: this.#places.length, submitted: this.#submitted },
      ...lockOf(place, mine),
      ...this.#resultOf(place),
    }));
    show(picture);
    if (place.state === 'open' && place.assignment.id !== null) this.#tellWhatCameBack();
    void decoding.open(place.assignment);
    this.#prefetch();
  }

  /**
   * @param {Place} place
   * @returns {Partial<Workbench>} what a practice image that was handed in shows instead of the notice that it is locked
   */
  #resultOf({ assignment, state }) {
    return this.#options.practice && state === 'submitted' ? { practised: assignment.id, lockedReason: 'This image is handed in. Try again to change it' } : {};
  }

  #tellWhatCameBack() {
    const { store, say } = this.#options;
    const count = docOf(store.get()).masks.filter(isSentBack).length;
    if (count) say(count === 1 ? 'A reviewer sent one mask back. The list says why' : `A reviewer sent ${count} masks back. The list says why`);
  }

  #nothingLeft() {
    const { practice, store, show } = this.#options;
    const done = this.#submitted ? `You have submitted ${this.#submitted} ${this.#submitted === 1 ? 'image' : 'images'} in this sitting. ` : '';
    const message = practice ? NO_PRACTICE : `${done}No image of this project waits for you now. New ones appear as soon as they are uploaded and prepared.`;
    sessionStorage.removeItem(LAST_IMAGE);
    this.#places = this.#places.filter((place) => place.state !== 'open');
    this.#index = this.#places.length;
    show(null);
    const line = { index: this.#index, length: this.#places.length, submitted: this.#submitted };
    store.update((bench) => ({ ...bench, ...PER_IMAGE, history: newHistory(), image: null, line, screen: { kind: 'nothing_left', message } }));
  }

  /** @param {Place} place */
  async #leave({ assignment }) {
    const { journal } = this.#options;
    await this.#options.saving.written();
    await journal.dropTimeline(assignment.image.id);
    journal.releaseImage(assignment.image.id);
  }

  /** @param {Place} place */
  async #allSaved({ assignment }) {
    await this.#options.saving.written();
    if (await this.#options.journal.settled(assignment.image.id)) return true;
    this.#options.say('Some changes have not reached the server yet. They are safe on this device; submit again in a moment', { danger: true });
    return false;
  }

  #handIsEmpty() {
    const bench = this.#options.store.get();
    const current = currentOf(bench);
    if (!current) return true;
    const awaitsModel = needsAnswer(current) && bench.decoder.kind === 'ready';
    return bench.image !== null && !awaitsModel && isEmpty(maskOf(current, bench.image));
  }

  /** The files and embeddings of the next images come into the browser while this one is worked on. */
  #prefetch() {
    const coming = this.#places.slice(this.#index + 1, this.#index + 1 + AHEAD).filter((place) => place.state === 'open');
    void this.#coming.fetch(coming.map(({ assignment: { image } }) => ({ id: image.id, urls: filesOf(image, this.#options.apiBase) })));
    for (const { assignment } of coming) void this.#options.decoding.prefetch(assignment);
  }

  async #renew() {
    for (const place of this.#places.filter((one) => one.state === 'open')) {
      if (place.assignment.id === null) continue;
      try {
        await this.#options.api.renewAssignment(place.assignment.id);
      } catch (error) {
        if (error instanceof ApiError && error.status === 409) this.#leaseLost(place);
        else if (!(error instanceof ApiError)) throw error;
      }
    }
  }

  /** @param {Place} place */
  #leaseLost(place) {
    if (place === this.#places[this.#index]) {
      this.#options.say('Your time on this image ran out. What you do now is kept as drafts', { danger: true });
    } else {
      this.#places = this.#places.filter((one) => one !== place);
    }
  }
}

/**
 * @param {Place} place
 * @param {boolean} mine
 * @returns {{editing: 'open' | 'locked', lockedReason: string}}
 */
function lockOf(place, mine) {
  if (place.state === 'submitted') return { editing: 'locked', lockedReason: 'You have submitted this image' };
  if (place.state === 'skipped') return { editing: 'locked', lockedReason: 'You have skipped this image' };
  if (!mine) return { editing: 'locked', lockedReason: 'This image is open in another tab. Close it there to go on here' };
  return { editing: 'open', lockedReason: '' };
}
