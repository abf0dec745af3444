/** What the server has not confirmed of one mask, and the steps it goes through; pure functions. */

/** @typedef {import('./journal.js').Confirmed} Confirmed */
/** @typedef {import('./journal.js').MaskSave} MaskSave */
/** @typedef {import('./journal.js').Problem} Problem */
/** @typedef {import('./journal.js').SaveReply} SaveReply */

/**
 * A request on its way. It is written down before it is sent and repeated with the same `saveId`
 * until it is answered, because the server may have done it although the answer was lost.
 * @typedef {object} Sending
 * @property {string} saveId UUID
 * @property {'put' | 'delete'} act
 * @property {number | null} baseVersion for If-Match; null creates
 * @property {MaskSave} save
 */

/**
 * @typedef {object} OutboxRow
 * @property {1} schema
 * @property {string} person UUID
 * @property {string} mask UUID, the key
 * @property {string} image UUID
 * @property {number} sequence grows with every wish on this device; small ones are sent first
 * @property {MaskSave | null} wish the newest one not yet under way
 * @property {Sending | null} sending
 * @property {Problem | null} problem
 */

/** Refusals after which a person must choose; a new wish alone does not make them go away. */
const LASTING_STATUSES = new Set([409, 412]);

/**
 * @param {OutboxRow | undefined} row
 * @param {MaskSave} save
 * @param {string} person
 * @param {number} sequence
 * @returns {OutboxRow} with the newest wish; an earlier one that was not under way is gone
 */
export function withWish(row, save, person, sequence) {
  const problem = row?.problem && LASTING_STATUSES.has(row.problem.status) ? row.problem : null;
  return {
    schema: 1,
    person,
    mask: save.mask,
    image: save.image,
    sequence: row?.sequence ?? sequence,
    wish: save,
    sending: row?.sending ?? null,
    problem,
  };
}

/**
 * The row with its next request written down.
 *
 * @param {OutboxRow} row
 * @param {Confirmed | undefined} confirmed
 * @param {string} saveId for a new request
 * @returns {OutboxRow | null} null when the server needs nothing: the row can go
 */
export function withRequest(row, confirmed, saveId) {
  if (row.sending) return row;
  if (!row.wish) return null;
  const isDeletion = row.wish.state === 'deleted';
  if (isDeletion && (!confirmed || confirmed.state === 'deleted')) return null;
  /** @type {Sending} */
  const sending = {
    saveId,
    act: isDeletion ? 'delete' : 'put',
    baseVersion: confirmed?.version ?? null,
    save: row.wish,
  };
  return { ...row, wish: null, sending };
}

/**
 * @param {OutboxRow} row after its request was confirmed
 * @returns {OutboxRow | null} null when nothing is left to send
 */
export function afterConfirmation(row) {
  return row.wish ? { ...row, sending: null } : null;
}

/**
 * @param {OutboxRow} row after the server refused its request
 * @param {Problem | null} problem null: the same wish may be sent at once, on another base
 * @returns {OutboxRow}
 */
export function afterRefusal(row, problem) {
  return { ...row, wish: row.wish ?? row.sending?.save ?? null, sending: null, problem };
}

/**
 * @param {OutboxRow} row
 * @returns {MaskSave} how the person left the mask
 */
export function latestWish(row) {
  const latest = row.wish ?? row.sending?.save;
  if (!latest) throw new Error(`the outbox row of mask ${row.mask} is empty`);
  return latest;
}

/**
 * Whether an answer proves that the server holds what was sent.
 *
 * @param {Sending} sending
 * @param {SaveReply} reply
 * @param {string} sha256 of the counts that were sent
 * @returns {boolean}
 */
export function isEchoOf(sending, reply, sha256) {
  if (reply?.id !== sending.save.mask || !Number.isInteger(reply.version)) return false;
  if (sending.act === 'delete') return reply.version >= (sending.baseVersion ?? 0) && reply.state === 'deleted';
  return reply.version > (sending.baseVersion ?? 0) && reply.state === sending.save.state && reply.sha256 === sha256;
}

/**
 * The body of a PUT.
 *
 * @param {Sending} sending
 * @returns {Record<string, unknown>}
 */
export function putBody({ saveId, save }) {
  const { mask: _, ...body } = save;
  return { save_id: saveId, ...body };
}
