// The server's rules for masks in memory, with a network that can be cut at will.

/** @typedef {import('../../web/static/js/journal/journal.js').SaveReply} SaveReply */

/**
 * What the network does to a request: nothing, lose it, or lose its answer.
 * @typedef {'deliver' | 'lose_request' | 'lose_answer'} Fault
 */

/** A refusal shaped like ApiError. */
export class Refused extends Error {
  /**
   * @param {number} status
   * @param {string} code
   * @param {any} [body]
   */
  constructor(status, code, body = null) {
    super(code);
    this.status = status;
    this.code = code;
    this.body = body;
    this.retryAfterMs = null;
  }
}

/**
 * @param {string} text
 * @returns {Promise<string>}
 */
export async function hashOf(text) {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return Buffer.from(digest).toString('hex');
}

export class MaskServer {
  /** @type {Map<string, SaveReply & {counts: string}>} */
  masks = new Map();
  /** @type {Map<string, SaveReply>} */
  receipts = new Map();
  /** @type {{act: string, mask: string, version: number | null, saveId: string}[]} */
  requests = [];
  /** @type {() => Fault} */
  fault = () => 'deliver';
  /** @type {(() => Refused) | null} */
  refuse = null;
  /** @type {(reply: SaveReply) => SaveReply} */
  distort = (reply) => reply;

  /**
   * @param {string} mask
   * @param {number | null} version
   * @param {any} body
   * @returns {Promise<SaveReply>}
   */
  putMask(mask, version, body) {
    return this.#answer('put', mask, version, body.save_id, async (found) => {
      const { counts } = body.rle;
      const reply = { id: mask, version: (found?.version ?? 0) + 1, state: body.state, sha256: await hashOf(counts) };
      this.masks.set(mask, { ...reply, counts });
      return reply;
    });
  }

  /**
   * @param {string} mask
   * @param {number} version
   * @param {string} saveId
   * @returns {Promise<SaveReply>}
   */
  deleteMask(mask, version, saveId) {
    return this.#answer('delete', mask, version, saveId, async (found) => {
      if (!found) throw new Refused(404, 'not_found');
      /** @type {SaveReply} */
      const reply = { id: mask, version: found.version + 1, state: 'deleted', sha256: found.sha256 };
      this.masks.set(mask, { ...reply, counts: found.counts });
      return reply;
    });
  }

  /**
   * @param {string} act
   * @param {string} mask
   * @param {number | null} version
   * @param {string} saveId
   * @param {(found: (SaveReply & {counts: string}) | undefined) => Promise<SaveReply>} write
   * @returns {Promise<SaveReply>}
   */
  async #answer(act, mask, version, saveId, write) {
    const fault = this.fault();
    this.requests.push({ act, mask, version, saveId });
    await Promise.resolve();
    if (fault === 'lose_request') throw new Refused(0, 'network');
    if (this.refuse) throw this.refuse();
    let reply = this.receipts.get(saveId);
    if (!reply) {
      const found = this.masks.get(mask);
      if ((found?.version ?? null) !== version) {
        throw new Refused(412, 'stale', { current: found ? { version: found.version, sha256: found.sha256 } : null });
      }
      reply = await write(found);
      this.receipts.set(saveId, reply);
    }
    if (fault === 'lose_answer') throw new Refused(0, 'network');
    return this.distort(reply);
  }
}

/** Web Locks of one browser, for the parts that the journal uses. */
export class Locks {
  /** @type {Set<string>} */
  #held = new Set();

  /**
   * @param {string} name
   * @param {{ifAvailable: boolean}} options
   * @param {(lock: object | null) => any} act
   */
  async request(name, options, act) {
    if (this.#held.has(name)) return act(null);
    this.#held.add(name);
    try {
      return await act({ name, ...options });
    } finally {
      this.#held.delete(name);
    }
  }

  async query() {
    return { held: [...this.#held], pending: [] };
  }
}
