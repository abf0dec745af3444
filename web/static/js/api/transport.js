/** JSON over HTTP: one error class, time limits, retries only where they are safe. */

/** @typedef {import('./types.js').Json} Json */

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
/** How often a request is tried that may be repeated. */
export const READ_TRIES = 3;

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

export class Transport {
  #fetch;
  #timeLimitMs;
  #firstWaitMs;
  #csrfToken;

  /** @param {ApiOptions} [options] */
  constructor(options = {}) {
    /** Where the API is, ending with a slash. */
    this.base = options.base ?? '/api/v1/';
    this.#fetch = options.fetch ?? fetch.bind(globalThis);
    this.#timeLimitMs = options.timeLimitMs ?? 30000;
    this.#firstWaitMs = options.firstWaitMs ?? 500;
    this.#csrfToken = options.csrfToken ?? csrfCookie;
  }

  /**
   * @param {string} path
   * @returns {Promise<any>}
   */
  get(path) {
    return this.request('GET', path, { tries: READ_TRIES });
  }

  /**
   * @param {string} method
   * @param {string} path relative to the base
   * @param {RequestOptions} [options]
   * @returns {Promise<any>} the JSON of the answer; null for 204
   * @throws {ApiError}
   */
  async request(method, path, options = {}) {
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
    const response = await this.#answer(this.base + path, {
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
