/** The HTTP API: one method per endpoint, one error class, retries only where they are safe. */

/** @typedef {import('./types.js').Assignment} Assignment */
/** @typedef {import('./types.js').ImageFacts} ImageFacts */
/** @typedef {import('./types.js').Json} Json */
/** @typedef {import('./types.js').KeptKeys} KeptKeys */
/** @typedef {import('./types.js').Me} Me */
/** @typedef {import('./types.js').NextAssignment} NextAssignment */
/** @typedef {import('./types.js').SavedMask} SavedMask */
/** @typedef {import('./types.js').SkipReason} SkipReason */
/** @typedef {import('./types.js').StoredMask} StoredMask */

/**
 * @typedef {object} RequestOptions
 * @property {unknown} [body] sent as JSON, or as it is when FormData
 * @property {Record<string, string>} [headers]
 * @property {boolean} [keepalive] may outlive the page (bodies under 64 KB)
 * @property {number} [tries] attempts in all, for requests that may be repeated
 * @property {AbortSignal} [signal]
 */

/**
 * @typedef {object} ApiOptions
 * @property {string} [base] ends with a slash
 * @property {typeof fetch} [fetch]
 * @property {number} [timeLimitMs] for one attempt
 * @property {number} [firstWaitMs] before the second attempt; doubles, with jitter
 * @property {() => string} [csrfToken]
 */

const RETRY_STATUSES = new Set([408, 429, 502, 503, 504]);
const READ_TRIES = 3;

/** A refusal by the server (`status` ≥ 400), or no answer at all (`status` 0, code `network`). */
export class ApiError extends Error {
  /**
   * @param {number} status HTTP status; 0 when there was no answer
   * @param {string} code as the server named it
   * @param {string} message for the person
   * @param {{body?: Json | null, retryAfterMs?: number | null}} [more]
   */
  constructor(status, code, message, { body = null, retryAfterMs = null } = {}) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.body = body;
    this.retryAfterMs = retryAfterMs;
  }

  /** @returns {boolean} whether the same request may succeed later */
  get isPassing() {
    return this.status === 0 || this.status >= 500 || this.status === 408 || this.status === 429;
  }
}

export class ApiClient {
  #base;
  #fetch;
  #timeLimitMs;
  #firstWaitMs;
  #csrfToken;

  /** @param {ApiOptions} [options] */
  constructor(options = {}) {
    this.#base = options.base ?? '/api/v1/';
    this.#fetch = options.fetch ?? fetch.bind(globalThis);
    this.#timeLimitMs = options.timeLimitMs ?? 30000;
    this.#firstWaitMs = options.firstWaitMs ?? 500;
    this.#csrfToken = options.csrfToken ?? csrfCookie;
  }

  // People

  /** @returns {Promise<Me>} */
  me() {
    return this.#get('me');
  }

  /**
   * @param {string} person  whose page this is; another's keys are refused
   * @returns {Promise<KeptKeys>}
   */
  keys(person) {
    return this.#get(`people/${person}/keys`);
  }

  /**
   * @param {string} person
   * @param {KeptKeys['keys']} keys
   * @returns {Promise<KeptKeys>}
   */
  putKeys(person, keys) {
    return this.#request('PUT', `people/${person}/keys`, { body: { keys }, keepalive: true });
  }

  /**
   * Sign in, or in again after the session ended.
   *
   * @param {string} name
   * @param {string} password
   * @returns {Promise<Me>}
   */
  signIn(name, password) {
    return this.#request('POST', 'session', { body: { name, password } });
  }

  // Projects

  /** @returns {Promise<Json>} */
  projects() {
    return this.#get('projects');
  }

  /**
   * @param {Json} facts
   * @returns {Promise<Json>}
   */
  createProject(facts) {
    return this.#request('POST', 'projects', { body: facts });
  }

  /**
   * @param {string} project
   * @returns {Promise<Json>}
   */
  project(project) {
    return this.#get(`projects/${project}`);
  }

  /**
   * @param {string} project
   * @returns {Promise<{text: string, html: string}>} `html` holds nothing that acts
   */
  guidelines(project) {
    return this.#get(`projects/${project}/guidelines`);
  }

  /**
   * @param {string} project
   * @param {Json} changes
   * @returns {Promise<Json>}
   */
  changeProject(project, changes) {
    return this.#request('PATCH', `projects/${project}`, { body: changes });
  }

  /**
   * @param {string} project
   * @param {{days: string}} period 7, 30, 90 or all
   * @returns {Promise<import('./types.js').Throughput>}
   */
  throughput(project, period) {
    return this.#get(`projects/${project}/throughput${queryOf(period)}`);
  }

  /**
   * @param {string} project
   * @returns {Promise<Json>}
   */
  roundHistory(project) {
    return this.#get(`projects/${project}/round-history`);
  }

  // Images

  /**
   * @param {string} project
   * @param {Record<string, string | number>} [filters] query parameters, say page
   * @returns {Promise<Json>}
   */
  images(project, filters = {}) {
    return this.#get(`projects/${project}/images${queryOf(filters)}`);
  }

  /**
   * @param {string} project
   * @returns {Promise<Json>} images by state
   */
  imageCounts(project) {
    return this.#get(`projects/${project}/image-counts`);
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
    return this.#request('POST', `projects/${project}/images`, { body: form, signal });
  }

  /**
   * @param {string} image
   * @returns {Promise<ImageFacts>}
   */
  image(image) {
    return this.#get(`images/${image}`);
  }

  /**
   * Masks for a prompt, for a browser that cannot decode; it changes nothing, so that it may be asked again.
   * @param {string} image
   * @param {import('./types.js').DecodePrompt} prompt
   * @returns {Promise<{candidates: import('./types.js').DecodedCandidate[]}>}
   */
  decode(image, prompt) {
    return this.#request('POST', `images/${image}/decode`, { body: prompt, tries: READ_TRIES });
  }

  /**
   * @param {string} image
   * @param {{held_out?: boolean, is_reference?: boolean}} changes
   * @returns {Promise<ImageFacts>}
   */
  changeImage(image, changes) {
    return this.#request('PATCH', `images/${image}`, { body: changes });
  }

  /**
   * Takes an image out of its project; its masks stay in the database.
   * @param {string} image
   * @returns {Promise<null>}
   */
  removeImage(image) {
    return this.#request('DELETE', `images/${image}`);
  }

  /**
   * @param {string} image
   * @returns {Promise<{masks: StoredMask[]}>}
   */
  masksOf(image) {
    return this.#get(`images/${image}/masks`);
  }

  // Assignments

  /**
   * The oldest open lease of this person, else a new one; safe to repeat.
   *
   * @param {string} project
   * @param {number} [ahead] images to lease beforehand, 0 to 3
   * @returns {Promise<NextAssignment | null>} null when nothing is left
   */
  nextAssignment(project, ahead = 0) {
    const path = `projects/${project}/assignments/next`;
    return this.#request('POST', path, { body: { ahead }, tries: READ_TRIES });
  }

  /** @returns {Promise<Json>} recent assignments of this person */
  myAssignments() {
    return this.#get('assignments?mine=1');
  }

  /**
   * @param {string} project
   * @returns {Promise<{images: import('./types.js').MyImage[]}>} what this person worked on, newest first
   */
  myImages(project) {
    return this.#get(`my-images${queryOf({ project })}`);
  }

  /**
   * @param {string} assignment
   * @returns {Promise<Assignment>}
   */
  assignment(assignment) {
    return this.#get(`assignments/${assignment}`);
  }

  /**
   * @param {string} assignment
   * @returns {Promise<Assignment>}
   */
  renewAssignment(assignment) {
    return this.#request('POST', `assignments/${assignment}/renew`, { body: {}, tries: READ_TRIES });
  }

  /**
   * @param {string} assignment
   * @returns {Promise<Json>}
   */
  submitAssignment(assignment) {
    return this.#request('POST', `assignments/${assignment}/submit`, { body: {}, tries: READ_TRIES });
  }

  /**
   * @param {string} assignment
   * @param {SkipReason} reason
   * @param {string} [note]
   * @returns {Promise<Json>}
   */
  skipAssignment(assignment, reason, note = '') {
    const path = `assignments/${assignment}/skip`;
    return this.#request('POST', path, { body: { reason, note }, tries: READ_TRIES });
  }

  /**
   * @param {string} assignment
   * @returns {Promise<Json>}
   */
  reopenAssignment(assignment) {
    return this.#request('POST', `assignments/${assignment}/reopen`, { body: {} });
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
    return this.#request('PUT', `masks/${mask}`, { body, headers });
  }

  /**
   * @param {string} mask
   * @param {number} version
   * @param {string} saveId
   * @returns {Promise<SavedMask>}
   */
  deleteMask(mask, version, saveId) {
    return this.#request('DELETE', `masks/${mask}`, { body: { save_id: saveId }, headers: ifMatch(version) });
  }

  /**
   * @param {string} mask
   * @param {number} version
   * @param {string} saveId
   * @returns {Promise<SavedMask>}
   */
  restoreMask(mask, version, saveId) {
    const path = `masks/${mask}/restore`;
    return this.#request('POST', path, { body: { save_id: saveId }, headers: ifMatch(version) });
  }

  // Reviews

  /**
   * @param {string} project
   * @param {Record<string, string | number>} filters
   * @returns {Promise<import('./types.js').ReviewQueuePage>}
   */
  reviewQueue(project, filters) {
    return this.#get(`projects/${project}/review-queue${queryOf(filters)}`);
  }

  /**
   * @param {string} mask
   * @returns {Promise<import('./types.js').ReviewedMask>}
   */
  reviewsOf(mask) {
    return this.#get(`masks/${mask}/reviews`);
  }

  /**
   * @param {string} study
   * @returns {Promise<import('./types.js').NextToRate>}
   */
  nextToRate(study) {
    return this.#get(`rating-studies/${study}/next`);
  }

  /**
   * @param {string} study
   * @param {string} studied
   * @param {number} rating  from 1 to 10; sent again it takes the place of the first
   * @returns {Promise<Json>}
   */
  rate(study, studied, rating) {
    return this.#request('PUT', `rating-studies/${study}/ratings/${studied}`, { body: { rating }, tries: READ_TRIES });
  }

  /**
   * @param {string} mask
   * @param {import('./types.js').Decision} decision  its id makes a repetition harmless
   * @returns {Promise<import('./types.js').Review & {returned: boolean}>}
   */
  decide(mask, decision) {
    return this.#request('POST', `masks/${mask}/reviews`, { body: decision, tries: READ_TRIES });
  }

  /**
   * @param {string} mask
   * @returns {Promise<import('./types.js').Opening>}
   */
  correctionOf(mask) {
    return this.#get(`masks/${mask}/correction`);
  }

  // Interactions: one attempt, the recorder repeats them

  /**
   * @param {import('../timing/recorder.js').InteractionBatch} batch
   * @param {{keepalive?: boolean}} [options]
   * @returns {Promise<{stored: number}>}
   */
  postInteractions(batch, { keepalive = false } = {}) {
    return this.#request('POST', 'interactions', { body: batch, keepalive });
  }

  // Models and rounds

  /** @returns {Promise<Json>} */
  models() {
    return this.#get('models');
  }

  /**
   * @param {string} model
   * @returns {Promise<Json>}
   */
  model(model) {
    return this.#get(`models/${model}`);
  }

  /**
   * @param {string} model
   * @param {string | null} expectedCurrent id of the model that this person saw as current
   * @returns {Promise<Json>}
   */
  promoteModel(model, expectedCurrent) {
    const body = { expected_current: expectedCurrent };
    return this.#request('POST', `models/${model}/promote`, { body });
  }

  /**
   * @param {string} project
   * @returns {Promise<Json>}
   */
  rounds(project) {
    return this.#get(`projects/${project}/rounds`);
  }

  /**
   * @param {string} project
   * @param {Json} [settings]
   * @returns {Promise<Json>}
   */
  startRound(project, settings = {}) {
    return this.#request('POST', `projects/${project}/rounds`, { body: settings });
  }

  /**
   * @param {string} round
   * @returns {Promise<Json>}
   */
  round(round) {
    return this.#get(`rounds/${round}`);
  }

  /**
   * @param {string} round
   * @returns {Promise<Json>}
   */
  cancelRound(round) {
    return this.#request('POST', `rounds/${round}/cancel`, { body: {} });
  }

  // Exports and jobs

  /**
   * @param {string} project
   * @param {string} format
   * @param {import('./types.js').ExportPart} part
   * @returns {Promise<Json>}
   */
  startExport(project, format, part) {
    return this.#request('POST', `projects/${project}/exports`, { body: { format, part } });
  }

  /**
   * @param {string} id
   * @returns {Promise<Json>}
   */
  exportState(id) {
    return this.#get(`exports/${id}`);
  }

  /**
   * @param {string} id
   * @returns {Promise<Json>}
   */
  cancelExport(id) {
    return this.#request('POST', `exports/${id}/cancel`, { body: {} });
  }

  /**
   * Where a data set is sent to as a zip file.
   *
   * @param {string} project
   * @returns {string}
   */
  importsUrl(project) {
    return `${this.#base}projects/${project}/imports`;
  }

  /**
   * @param {string} project
   * @returns {Promise<Json>}
   */
  imports(project) {
    return this.#get(`projects/${project}/imports`);
  }

  /**
   * @param {string} id
   * @returns {Promise<Json>}
   */
  importState(id) {
    return this.#get(`imports/${id}`);
  }

  /**
   * @param {string} id
   * @returns {Promise<Json>}
   */
  cancelImport(id) {
    return this.#request('POST', `imports/${id}/cancel`, { body: {} });
  }

  /** @returns {Promise<Json>} */
  jobs() {
    return this.#get('jobs');
  }

  /**
   * @param {string} path
   * @returns {Promise<any>}
   */
  #get(path) {
    return this.#request('GET', path, { tries: READ_TRIES });
  }

  /**
   * @param {string} method
   * @param {string} path relative to the base
   * @param {RequestOptions} [options]
   * @returns {Promise<any>} the JSON of the answer; null for 204
   * @throws {ApiError}
   */
  async #request(method, path, options = {}) {
    const tries = options.tries ?? 1;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#attempt(method, path, options);
      } catch (error) {
        if (!(error instanceof ApiError) || attempt >= tries || !isWorthRepeating(error)) throw error;
        await pause(error.retryAfterMs ?? this.#waitMs(attempt));
      }
    }
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {RequestOptions} options
   * @returns {Promise<any>}
   */
  async #attempt(method, path, { body, headers = {}, keepalive = false, signal }) {
    const isForm = body instanceof FormData;
    const limit = isForm ? undefined : AbortSignal.timeout(this.#timeLimitMs);
    const response = await this.#answer(this.#base + path, {
      method,
      credentials: 'same-origin',
      cache: 'no-store',
      keepalive,
      signal: anySignal(signal, limit),
      headers: {
        Accept: 'application/json',
        ...(method === 'GET' ? {} : { 'X-CSRFToken': this.#csrfToken() }),
        ...(body === undefined || isForm ? {} : { 'Content-Type': 'application/json' }),
        ...headers,
      },
      body: body === undefined || isForm ? body : JSON.stringify(body),
    });
    if (!response.ok) throw await errorOf(response);
    return response.status === 204 ? null : jsonOf(response);
  }

  /**
   * @param {string} url
   * @param {RequestInit} init
   * @returns {Promise<Response>}
   */
  async #answer(url, init) {
    try {
      return await this.#fetch(url, init);
    } catch (error) {
      if (error instanceof DOMException && error.name === 'AbortError') throw error;
      const reason = error instanceof Error ? error.message : String(error);
      throw new ApiError(0, 'network', `The server cannot be reached (${reason}).`);
    }
  }

  /**
   * @param {number} attempt
   * @returns {number}
   */
  #waitMs(attempt) {
    return this.#firstWaitMs * 2 ** (attempt - 1) * (0.5 + Math.random());
  }
}

/**
 * @param {ApiError} error
 * @returns {boolean}
 */
function isWorthRepeating(error) {
  return error.status === 0 || RETRY_STATUSES.has(error.status);
}

/**
 * @param {Response} response an answer that is not ok
 * @returns {Promise<ApiError>}
 */
async function errorOf(response) {
  const body = await response.json().catch(() => null);
  const told = body?.error ?? {};
  const code = typeof told.code === 'string' ? told.code : `http_${response.status}`;
  const message = typeof told.message === 'string' ? told.message : `The server answered ${response.status}.`;
  const seconds = Number(response.headers.get('Retry-After'));
  const retryAfterMs = Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : null;
  return new ApiError(response.status, code, message, { body, retryAfterMs });
}

/**
 * @param {Response} response
 * @returns {Promise<any>}
 */
async function jsonOf(response) {
  try {
    return await response.json();
  } catch {
    throw new ApiError(0, 'network', `The answer to ${response.url} was cut off or is no JSON.`);
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

/**
 * @param {(AbortSignal | undefined)[]} signals
 * @returns {AbortSignal | undefined}
 */
function anySignal(...signals) {
  const present = signals.filter((signal) => signal !== undefined);
  return present.length > 1 ? AbortSignal.any(present) : present[0];
}

/** @returns {string} the token that Django put into its readable cookie */
function csrfCookie() {
  const match = /(?:^|;\s*)(?:__Host-)?csrftoken=([^;]+)/.exec(document.cookie);
  return match ? decodeURIComponent(match[1]) : '';
}

/**
 * @param {number} ms
 * @returns {Promise<void>}
 */
function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
