/** The HTTP API: one method per endpoint. */

import { READ_TRIES, Transport } from './transport.js';

/** @typedef {import('./types.js').Assignment} Assignment */
/** @typedef {import('./types.js').ImageFacts} ImageFacts */
/** @typedef {import('./types.js').Json} Json */
/** @typedef {import('./types.js').KeptKeys} KeptKeys */
/** @typedef {import('./types.js').Me} Me */
/** @typedef {import('./types.js').NextAssignment} NextAssignment */
/** @typedef {import('./types.js').SavedMask} SavedMask */
/** @typedef {import('./types.js').SkipReason} SkipReason */
/** @typedef {import('./types.js').StoredMask} StoredMask */

export class ApiClient {
  #http;

  /** @param {import('./transport.js').ApiOptions} [options] */
  constructor(options = {}) {
    this.#http = new Transport(options);
  }

  // People

  /** @returns {Promise<Me>} */
  me() {
    return this.#http.get('me');
  }

  /**
   * @param {string} person  whose page this is; another's keys are refused
   * @returns {Promise<KeptKeys>}
   */
  keys(person) {
    return this.#http.get(`people/${person}/keys`);
  }

  /**
   * @param {string} person
   * @param {KeptKeys['keys']} keys
   * @returns {Promise<KeptKeys>}
   */
  putKeys(person, keys) {
    return this.#http.request('PUT', `people/${person}/keys`, { body: { keys }, keepalive: true });
  }

  /**
   * Sign in, or in again after the session ended.
   *
   * @param {string} name
   * @param {string} password
   * @returns {Promise<Me>}
   */
  signIn(name, password) {
    return this.#http.request('POST', 'session', { body: { name, password } });
  }

  // Projects

  /**
   * @param {string} project
   * @returns {Promise<Json>}
   */
  project(project) {
    return this.#http.get(`projects/${project}`);
  }

  /**
   * @param {string} project
   * @returns {Promise<{text: string, html: string}>} `html` holds nothing that acts
   */
  guidelines(project) {
    return this.#http.get(`projects/${project}/guidelines`);
  }

  /**
   * @param {string} project
   * @param {{days: string}} period 7, 30, 90 or all
   * @returns {Promise<import('./types.js').Throughput>}
   */
  throughput(project, period) {
    return this.#http.get(`projects/${project}/throughput${queryOf(period)}`);
  }

  /**
   * @param {string} project
   * @returns {Promise<Json>}
   */
  roundHistory(project) {
    return this.#http.get(`projects/${project}/round-history`);
  }

  // Images

  /**
   * @param {string} project
   * @param {Record<string, string | number>} [filters] query parameters, say page
   * @returns {Promise<Json>}
   */
  images(project, filters = {}) {
    return this.#http.get(`projects/${project}/images${queryOf(filters)}`);
  }

  /**
   * @param {string} project
   * @returns {Promise<Json>} images by state
   */
  imageCounts(project) {
    return this.#http.get(`projects/${project}/image-counts`);
  }

  /**
   * @param {string} project
   * @param {Iterable<File>} files
   * @param {{signal?: AbortSignal}} [options]
   * @returns {Promise<{images: ImageFacts[], refused: {name: string, code: string, message: string}[]}>}
   */
  uploadImages(project, files, { signal } = {}) {
    const form = new FormData();
    for (const file of files) form.append('files', file, file.name);
    return this.#http.request('POST', `projects/${project}/images`, { body: form, signal });
  }

  /**
   * Asks for the embedding of the part of a large image that is looked at. It is asked once: the next look asks again.
   * @param {string} image
   * @param {string} encoder  fingerprint
   * @param {readonly number[]} box x0, y0, x1, y1 in image pixels
   * @returns {Promise<import('./types.js').WantedCrop>}
   */
  wantCrop(image, encoder, box) {
    return this.#http.request('POST', `images/${image}/embedding/${encoder}/crops`, { body: { box }, tries: 1 });
  }

  /**
   * Masks for a prompt, for a browser that cannot decode; it changes nothing, so that it may be asked again.
   * @param {string} image
   * @param {import('./types.js').DecodePrompt} prompt
   * @returns {Promise<{candidates: import('./types.js').DecodedCandidate[]}>}
   */
  decode(image, prompt) {
    return this.#http.request('POST', `images/${image}/decode`, { body: prompt, tries: READ_TRIES });
  }

  /**
   * Changes or removes many images; once more changes nothing more.
   * @param {string} project
   * @param {string[]} images ids
   * @param {import('./types.js').ImageChanges} changes
   * @returns {Promise<import('./types.js').ImageChangeReport>}
   */
  changeImages(project, images, changes) {
    return this.#http.request('POST', `projects/${project}/image-changes`, { body: { images, ...changes }, tries: READ_TRIES });
  }

  /**
   * @param {string} image
   * @param {{held_out?: boolean, is_reference?: boolean, is_practice?: boolean}} changes
   * @returns {Promise<ImageFacts>}
   */
  changeImage(image, changes) {
    return this.#http.request('PATCH', `images/${image}`, { body: changes });
  }

  /**
   * Takes an image out of its project; its masks stay in the database.
   * @param {string} image
   * @returns {Promise<null>}
   */
  removeImage(image) {
    return this.#http.request('DELETE', `images/${image}`);
  }

  /**
   * @param {string} image
   * @returns {Promise<{masks: StoredMask[]}>}
   */
  masksOf(image) {
    return this.#http.get(`images/${image}/masks`);
  }

  // Assignments

  /**
   * The oldest open lease of this person, else a new one; safe to repeat.
   *
   * @param {string} project
   * @param {number} [ahead] images to lease beforehand, 0 to 3
   * @param {{practice?: boolean}} [options] images of the practice set, or none of them
   * @returns {Promise<NextAssignment | null>} null when nothing is left
   */
  nextAssignment(project, ahead = 0, { practice = false } = {}) {
    const path = `projects/${project}/assignments/next`;
    return this.#http.request('POST', path, { body: { ahead, practice }, tries: READ_TRIES });
  }

  /**
   * @param {{practice?: boolean}} [options] only practice, or none of it
   * @returns {Promise<Json>} recent assignments of this person
   */
  myAssignments({ practice = false } = {}) {
    return this.#http.get(`assignments${queryOf({ mine: 1, practice: Number(practice) })}`);
  }

  /**
   * @param {string} assignment  of a practice image that was handed in
   * @returns {Promise<import('./types.js').PracticeResult>}
   */
  practiceResult(assignment) {
    return this.#http.get(`assignments/${assignment}/practice`);
  }

  /**
   * @param {string} project
   * @returns {Promise<{images: import('./types.js').MyImage[]}>} what this person worked on, newest first
   */
  myImages(project) {
    return this.#http.get(`my-images${queryOf({ project })}`);
  }

  /**
   * @param {string} assignment
   * @returns {Promise<Assignment>}
   */
  assignment(assignment) {
    return this.#http.get(`assignments/${assignment}`);
  }

  /**
   * @param {string} assignment
   * @returns {Promise<Assignment>}
   */
  renewAssignment(assignment) {
    return this.#http.request('POST', `assignments/${assignment}/renew`, { body: {}, tries: READ_TRIES });
  }

  /**
   * @param {string} assignment
   * @returns {Promise<Json>}
   */
  submitAssignment(assignment) {
    return this.#http.request('POST', `assignments/${assignment}/submit`, { body: {}, tries: READ_TRIES });
  }

  /**
   * @param {string} assignment
   * @param {SkipReason} reason
   * @param {string} [note]
   * @returns {Promise<Json>}
   */
  skipAssignment(assignment, reason, note = '') {
    const path = `assignments/${assignment}/skip`;
    return this.#http.request('POST', path, { body: { reason, note }, tries: READ_TRIES });
  }

  /**
   * @param {string} assignment
   * @returns {Promise<Json>}
   */
  reopenAssignment(assignment) {
    return this.#http.request('POST', `assignments/${assignment}/reopen`, { body: {} });
  }

  // Masks: one attempt each, the journal repeats them

  /**
   * Creates or changes a mask.
   *
   * @param {string} mask
   * @param {number | null} version the version it is based on; null creates
   * @param {Record<string, unknown>} body with its save_id
   * @returns {Promise<SavedMask>}
   */
  putMask(mask, version, body) {
    const headers = version === null ? { 'If-None-Match': '*' } : ifMatch(version);
    return this.#http.request('PUT', `masks/${mask}`, { body, headers });
  }

  /**
   * @param {string} mask
   * @param {number} version
   * @param {string} saveId
   * @returns {Promise<SavedMask>}
   */
  deleteMask(mask, version, saveId) {
    return this.#http.request('DELETE', `masks/${mask}`, { body: { save_id: saveId }, headers: ifMatch(version) });
  }

  // Reviews

  /**
   * @param {string} project
   * @param {Record<string, string | number>} filters
   * @returns {Promise<import('./types.js').ReviewQueuePage>}
   */
  reviewQueue(project, filters) {
    return this.#http.get(`projects/${project}/review-queue${queryOf(filters)}`);
  }

  /**
   * @param {string} mask
   * @returns {Promise<import('./types.js').ReviewedMask>}
   */
  reviewsOf(mask) {
    return this.#http.get(`masks/${mask}/reviews`);
  }

  /**
   * @param {string} study
   * @returns {Promise<import('./types.js').NextToRate>}
   */
  nextToRate(study) {
    return this.#http.get(`rating-studies/${study}/next`);
  }

  /**
   * @param {string} study
   * @param {string} studied
   * @param {number} rating  from 1 to 10; sent again it takes the place of the first
   * @returns {Promise<Json>}
   */
  rate(study, studied, rating) {
    return this.#http.request('PUT', `rating-studies/${study}/ratings/${studied}`, { body: { rating }, tries: READ_TRIES });
  }

  /**
   * @param {string} mask
   * @param {import('./types.js').Decision} decision  its id makes a repetition harmless
   * @returns {Promise<import('./types.js').Review & {returned: boolean}>}
   */
  decide(mask, decision) {
    return this.#http.request('POST', `masks/${mask}/reviews`, { body: decision, tries: READ_TRIES });
  }

  /**
   * @param {string} mask
   * @returns {Promise<import('./types.js').Opening>}
   */
  correctionOf(mask) {
    return this.#http.get(`masks/${mask}/correction`);
  }

  // Interactions: one attempt, the recorder repeats them

  /**
   * @param {import('../timing/recorder.js').InteractionBatch} batch
   * @param {{keepalive?: boolean}} [options]
   * @returns {Promise<{stored: number}>}
   */
  postInteractions(batch, { keepalive = false } = {}) {
    return this.#http.request('POST', 'interactions', { body: batch, keepalive });
  }

  // Models and rounds

  /**
   * @param {string} model
   * @returns {Promise<Json>}
   */
  model(model) {
    return this.#http.get(`models/${model}`);
  }

  /**
   * @param {string} round
   * @returns {Promise<Json>}
   */
  round(round) {
    return this.#http.get(`rounds/${round}`);
  }

  // Exports and jobs

  /**
   * @param {string} project
   * @param {import('./types.js').ExportWanted} wanted
   * @returns {Promise<Json>}
   */
  startExport(project, wanted) {
    return this.#http.request('POST', `projects/${project}/exports`, { body: wanted });
  }

  /**
   * @param {string} id
   * @returns {Promise<Json>}
   */
  exportState(id) {
    return this.#http.get(`exports/${id}`);
  }

  /**
   * @param {string} id
   * @returns {Promise<Json>}
   */
  cancelExport(id) {
    return this.#http.request('POST', `exports/${id}/cancel`, { body: {} });
  }

  /**
   * Where a data set is sent to as a zip file.
   *
   * @param {string} project
   * @returns {string}
   */
  importsUrl(project) {
    return `${this.#http.base}projects/${project}/imports`;
  }

  /**
   * @param {string} project
   * @returns {Promise<Json>}
   */
  imports(project) {
    return this.#http.get(`projects/${project}/imports`);
  }

  /**
   * @param {string} project
   * @param {string} name  of an entry of the server's folder
   * @returns {Promise<Json>}
   */
  importFromServer(project, name) {
    return this.#http.request('POST', `projects/${project}/server-imports`, { body: { name } });
  }

  /**
   * @param {string} id
   * @returns {Promise<Json>}
   */
  importState(id) {
    return this.#http.get(`imports/${id}`);
  }

  /**
   * @param {string} id
   * @returns {Promise<Json>}
   */
  cancelImport(id) {
    return this.#http.request('POST', `imports/${id}/cancel`, { body: {} });
  }
}

/**
 * @param {number} version
 * @returns {Record<string, string>}
 */
function ifMatch(version) {
  return { 'If-Match': `"${version}"` };
}

/**
 * @param {Record<string, string | number>} filters
 * @returns {string}
 */
function queryOf(filters) {
  const pairs = Object.entries(filters).map(([name, value]) => [name, String(value)]);
  return pairs.length ? `?${new URLSearchParams(pairs)}` : '';
}
