/** The one error of the decoder, on both sides of the worker. */

/**
 * @typedef {'start_timeout' | 'start_failed' | 'worker_died' | 'fetch_failed' | 'embedding_not_ready'
 *   | 'damaged_model' | 'damaged_embedding' | 'wrong_embedding' | 'unknown_image' | 'no_model'
 *   | 'decode_failed' | 'closed'} DecoderErrorCode
 */

/** A failure of the decoder; `code` is for programs, the message for the person. */
export class DecoderError extends Error {
  /**
   * @param {DecoderErrorCode} code
   * @param {string} message
   */
  constructor(code, message) {
    super(message);
    this.name = 'DecoderError';
    this.code = code;
  }
}

/**
 * @param {unknown} error
 * @returns {string}
 */
export function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}
