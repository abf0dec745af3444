/** Sends what the server has not confirmed: one request at a time, repeated for ever. */

import { afterConfirmation, afterRefusal, isEchoOf, putBody, withRequest } from './outbox_row.js';

/** @typedef {import('./journal.js').Confirmed} Confirmed */
/** @typedef {import('./journal.js').JournalState} JournalState */
/** @typedef {import('./journal.js').MaskSender} MaskSender */
/** @typedef {import('./journal.js').Problem} Problem */
/** @typedef {import('./journal.js').SaveReply} SaveReply */
/** @typedef {import('./outbox_row.js').OutboxRow} OutboxRow */
/** @typedef {import('./outbox_row.js').Sending} Sending */

/** What is kept in memory of a row. @typedef {{image: string, sequence: number, problem: Problem | null}} Brief */

/**
 * A refusal as `ApiError` describes it.
 * @typedef {object} Refusal
 * @property {number} status 0 when there was no answer
 * @property {string} code
 * @property {string} message
 * @property {any} body
 * @property {number | null} retryAfterMs
 */

/**
 * @typedef {object} OutboxOptions
 * @property {import('./outbox_rows.js').OutboxRows} rows
 * @property {MaskSender} api
 * @property {number} firstWaitMs
 * @property {(image: string, act: () => Promise<void>) => Promise<boolean>} withImage runs `act` as
 *   the only writer of an image; false when another tab is the writer
 * @property {() => void} onState
 * @property {(confirmed: Confirmed) => void} onConfirmed
 */

const LONGEST_WAIT_MS = 60_000;
const SIGN_IN_WAIT_MS = 30_000;

export class Outbox {
  #options;
  /** @type {Map<string, Brief>} by mask */
  #briefs = new Map();
  #lastSequence = 0;
  #failures = 0;
  #retryAfterMs = 0;
  #signInNeeded = false;
  #isSending = false;
  #isClosed = false;
  #isWoken = false;
  #hadFailure = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #listening = new AbortController();

  /** @param {OutboxOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /** Reads what an earlier page left and begins to send. */
  async start() {
    const { signal } = this.#listening;
    globalThis.addEventListener?.('online', () => this.#wakeNow(), { signal });
    globalThis.addEventListener?.('focus', () => void this.look(), { signal });
    await this.look();
  }

  /** @returns {number} larger than any before, also than those of earlier pages */
  nextSequence() {
    this.#lastSequence = Math.max(this.#lastSequence + 1, Date.now());
    return this.#lastSequence;
  }

  /** @param {OutboxRow} row just written */
  noteRow(row) {
    this.#keepBrief(row);
    this.#changed();
    if (this.#failures === 0 && !this.#signInNeeded) this.#wakeNow();
  }

  /**
   * Reads rows that another page left: those of an image that is ours now, or all.
   *
   * @param {string} [image]
   */
  async look(image) {
    for (const row of await this.#options.rows.rows(image)) this.#keepBrief(row);
    this.#changed();
    if (this.#failures === 0 || image === undefined) this.#wakeNow();
  }

  /**
   * @param {string} image
   * @returns {boolean} whether anything of it is not confirmed
   */
  holdsImage(image) {
    return [...this.#briefs.values()].some((brief) => brief.image === image);
  }

  /** @returns {JournalState} */
  get state() {
    const problems = [...this.#briefs.values()].flatMap(({ problem }) => (problem ? [problem] : []));
    const count = this.#briefs.size;
    const kind = this.#kind(count, problems.length);
    const { numHeld } = this.#options.rows;
    return { kind, count, message: this.#message(kind, count, problems), signInNeeded: this.#signInNeeded, numOnlyHere: numHeld, problems };
  }

  signedIn() {
    this.#signInNeeded = false;
    this.#changed();
    this.#wakeNow();
  }

  /**
   * @param {string} mask
   * @param {'mine' | 'theirs'} choice
   */
  async resolve(mask, choice) {
    const row = await this.#options.rows.change(mask, ({ row: found, known }) => {
      if (!found) return { row: null, known };
      const version = found.problem?.currentVersion;
      const base = version ? { state: /** @type {const} */ ('draft'), sha256: '', ...known, mask, version } : found.problem?.status === 412 ? null : known;
      return { row: choice === 'theirs' ? null : { ...found, problem: null }, known: base };
    });
    this.#keepOrDrop(mask, row);
    this.#wakeNow();
  }

  close() {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#listening.abort();
  }

  /** Tries now, whatever the waiting time says. */
  #wakeNow() {
    clearTimeout(this.#timer);
    this.#isWoken = true;
    if (!this.#isSending) void this.#sendAll();
  }

  async #sendAll() {
    this.#isSending = true;
    try {
      while (this.#isWoken && !this.#isClosed) {
        this.#isWoken = false;
        this.#hadFailure = false;
        await this.#options.rows.bringHome();
        await this.#round();
        this.#failures = this.#hadFailure ? this.#failures + 1 : 0;
        this.#changed();
      }
    } catch (error) {
      // The device's storage failed, or was closed under us: what is written stays for the next attempt.
      if (!(error instanceof DOMException)) throw error;
      this.#failures += 1;
      this.#changed();
    } finally {
      this.#isSending = false;
    }
    if (!this.#isClosed) this.#plan();
  }

  /** One attempt for every mask that may be sent, image by image. */
  async #round() {
    for (const image of new Set(this.#waiting().map(([, brief]) => brief.image))) {
      let goesOn = true;
      const isMine = await this.#options.withImage(image, async () => {
        goesOn = await this.#sendImage(image);
      });
      if (!isMine) await this.#compare(image);
      if (!goesOn || this.#isClosed) return;
    }
  }

  /**
   * @param {string} image
   * @returns {Promise<boolean>} false when no mask can be sent now
   */
  async #sendImage(image) {
    for (const [mask, brief] of this.#waiting()) {
      if (brief.image !== image) continue;
      const goesOn = await this.#sendMask(mask);
      if (!goesOn || this.#isClosed) return false;
    }
    return true;
  }

  /**
   * Sends the requests of one mask until the server has its newest wish.
   *
   * @param {string} mask
   * @returns {Promise<boolean>} false when the others need not be tried now either
   */
  async #sendMask(mask) {
    for (;;) {
      const row = await this.#nextRequest(mask);
      if (!row?.sending || this.#isClosed) return true;
      const { sending } = row;
      try {
        await this.#settle(mask, sending, await this.#ask(sending));
      } catch (error) {
        if (!isRefusal(error)) throw error;
        if (this.#isTemporary(error)) return error.status === 500;
        await this.#refuse(row, sending, error);
      }
    }
  }

  /**
   * Writes the next request of a mask down, or drops the row when there is none.
   *
   * @param {string} mask
   * @returns {Promise<OutboxRow | null>} null when nothing is to be sent
   */
  async #nextRequest(mask) {
    const saveId = crypto.randomUUID();
    const row = await this.#options.rows.change(mask, ({ row: found, known }) => {
      return { row: !found || found.problem ? found : withRequest(found, known ?? undefined, saveId), known };
    });
    this.#keepOrDrop(mask, row);
    return row?.problem ? null : row;
  }

  /**
   * @param {Sending} sending
   * @returns {Promise<SaveReply>}
   */
  #ask(sending) {
    const { api } = this.#options;
    if (sending.act === 'put') return api.putMask(sending.save.mask, sending.baseVersion, putBody(sending));
    return api.deleteMask(sending.save.mask, sending.baseVersion ?? 0, sending.saveId);
  }

  /**
   * The server answered 2xx: the row goes only when the answer echoes what was sent.
   *
   * @param {string} mask
   * @param {Sending} sending
   * @param {SaveReply} reply
   */
  async #settle(mask, sending, reply) {
    this.#signInNeeded = false;
    const isEcho = isEchoOf(sending, reply, await sha256Hex(sending.save.rle.counts));
    if (!isEcho) {
      const message = `The server answered with version ${reply?.version}, content ${reply?.sha256}, not with what was sent.`;
      await this.#keepProblem(mask, sending, problemOf(sending, { status: 200, code: 'wrong_echo', message, body: null, retryAfterMs: null }));
      return;
    }
    const known = { mask, version: reply.version, state: reply.state, sha256: reply.sha256 };
    await this.#change(mask, sending, afterConfirmation, known);
    this.#options.onConfirmed(known);
  }

  /**
   * @param {OutboxRow} row
   * @param {Sending} sending
   * @param {Refusal} refusal
   */
  async #refuse(row, sending, refusal) {
    const current = refusal.status === 412 ? refusal.body?.current : null;
    const isOurs = current && current.sha256 === (await sha256Hex(sending.save.rle.counts));
    if (isOurs && current.version !== sending.baseVersion) {
      // The server has this very content already: only its version was unknown here.
      const known = { mask: row.mask, version: current.version, state: sending.save.state, sha256: current.sha256 };
      await this.#change(row.mask, sending, (now) => afterRefusal(now, null), known);
    } else {
      await this.#keepProblem(row.mask, sending, problemOf(sending, refusal));
    }
  }

  /**
   * @param {string} mask
   * @param {Sending} sending
   * @param {Problem} problem
   */
  #keepProblem(mask, sending, problem) {
    return this.#change(mask, sending, (row) => afterRefusal(row, problem), null);
  }

  /**
   * Changes a row after an answer to `sending`; wishes that came meanwhile stay in it.
   *
   * @param {string} mask
   * @param {Sending} sending
   * @param {(row: OutboxRow) => OutboxRow | null} change
   * @param {Confirmed | null} known what the server holds, to be remembered
   */
  async #change(mask, sending, change, known) {
    const row = await this.#options.rows.change(mask, ({ row: found, known: before }) => {
      const isAnswered = found?.sending?.saveId === sending.saveId;
      return { row: isAnswered ? change(found) : found, known: known ?? before };
    });
    this.#keepOrDrop(mask, row);
  }

  /**
   * Whether the same request may succeed later; notes how long to wait.
   *
   * @param {Refusal} refusal
   * @returns {boolean}
   */
  #isTemporary({ status, retryAfterMs }) {
    if (status === 401) this.#signInNeeded = true;
    else if (status !== 0 && status < 500 && status !== 408 && status !== 429) return false;
    this.#hadFailure = true;
    this.#retryAfterMs = retryAfterMs ?? 0;
    return true;
  }

  /** Sets the alarm for the next attempt. */
  #plan() {
    clearTimeout(this.#timer);
    if (this.#waiting().length === 0) return;
    const doublings = Math.min(Math.max(this.#failures - 1, 0), 16);
    const backOff = Math.min(LONGEST_WAIT_MS, this.#options.firstWaitMs * 2 ** doublings) * (0.5 + Math.random() / 2);
    const wait = this.#signInNeeded ? SIGN_IN_WAIT_MS : Math.max(this.#retryAfterMs, backOff);
    this.#timer = setTimeout(() => this.#wakeNow(), wait);
  }

  /** @returns {[string, Brief][]} masks without a problem, oldest wish first */
  #waiting() {
    return [...this.#briefs].filter(([, { problem }]) => !problem).sort(([, a], [, b]) => a.sequence - b.sequence);
  }

  /**
   * @param {string} mask
   * @param {OutboxRow | null} row
   */
  #keepOrDrop(mask, row) {
    if (row) this.#keepBrief(row);
    else this.#briefs.delete(mask);
    this.#changed();
  }

  /** @param {OutboxRow} row */
  #keepBrief({ mask, image, sequence, problem }) {
    this.#briefs.set(mask, { image, sequence, problem });
    this.#lastSequence = Math.max(this.#lastSequence, sequence);
  }

  /**
   * Another tab writes this image: what it has sent meanwhile is gone here too.
   *
   * @param {string} image
   */
  async #compare(image) {
    const rows = await this.#options.rows.rows(image);
    for (const [mask, brief] of this.#briefs) if (brief.image === image) this.#briefs.delete(mask);
    for (const row of rows) this.#keepBrief(row);
  }

  #changed() {
    if (!this.#isClosed) this.#options.onState();
  }

  /**
   * @param {number} count
   * @param {number} numProblems
   * @returns {JournalState['kind']}
   */
  #kind(count, numProblems) {
    if (numProblems > 0 || this.#options.rows.numHeld > 0 || (count > 0 && this.#signInNeeded)) return 'attention';
    if (count === 0) return 'saved';
    return this.#failures > 0 ? 'pending' : 'saving';
  }

  /**
   * @param {JournalState['kind']} kind
   * @param {number} count
   * @param {Problem[]} problems
   * @returns {string}
   */
  #message(kind, count, problems) {
    if (kind === 'saved') return 'Everything is saved.';
    const masks = count === 1 ? '1 mask is' : `${count} masks are`;
    if (this.#signInNeeded) return `Sign in again: ${masks} waiting on this device.`;
    if (problems.length) return problems[0].message;
    if (kind === 'attention') return `This device has no room left: ${masks} only in this page. Leave it open until the server has everything, or download it.`;
    if (kind === 'saving') return 'Saving.';
    return `The server cannot be reached: ${masks} safe on this device and will be sent.`;
  }
}

/**
 * @param {Sending} sending
 * @param {Refusal} refusal
 * @returns {Problem}
 */
function problemOf({ save }, { status, code, message, body }) {
  const version = body?.current?.version;
  return {
    mask: save.mask,
    image: save.image,
    status,
    code,
    message,
    keptByServer: body?.kept === true,
    currentVersion: Number.isInteger(version) ? version : null,
  };
}

/**
 * @param {unknown} error
 * @returns {error is Error & Refusal}
 */
function isRefusal(error) {
  return error instanceof Error && 'status' in error && typeof error.status === 'number';
}

/**
 * @param {string} text ASCII
 * @returns {Promise<string>}
 */
async function sha256Hex(text) {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
