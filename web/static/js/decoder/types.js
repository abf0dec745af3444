/** The shapes of the decoder's requests and answers. */

/** @typedef {import('../geometry/types.js').Candidate} Candidate */
/** @typedef {import('../geometry/types.js').ModelFrame} ModelFrame */
/** @typedef {import('../geometry/types.js').Prompt} Prompt */

/**
 * @typedef {object} DecoderStart
 * @property {string} workerUrl address of decoder_worker.js
 * @property {string} ortBase folder that serves the onnxruntime-web files, ends with a slash
 * @property {number} [timeLimitMs] for the start of one worker; 20000 when absent
 */

/**
 * @typedef {object} ModelAddress
 * @property {string} manifestUrl
 * @property {string} filesUrl folder of the bundle's files
 */

/**
 * @typedef {object} LoadedModel
 * @property {string} bundleFingerprint
 * @property {string} encoderFingerprint
 * @property {number} inputSize side of the model frame
 * @property {number} lowResSize side of the low-res logits
 */

/**
 * @typedef {object} ImageAddress
 * @property {string} imageKey any name that is unique among open images, say the image id
 * @property {string} embeddingUrl
 * @property {{imageSha256: string, encoderFingerprint: string}} expected an embedding of anything
 *   else is refused
 * @property {string} [bundleFingerprint] which loaded model; the one loaded last when absent
 * @property {{width: number, height: number}} size of the image
 * @property {import('../geometry/types.js').Box} [crop] the part of the image that the embedding is of; absent: all of it
 */

/**
 * @typedef {object} DecodeRequest
 * @property {string} imageKey an image that was opened
 * @property {Prompt} prompt in image pixels; may be empty when `maskInput` is given
 * @property {Float32Array | null} maskInput low-res logits of the candidate being refined
 * @property {number | null} [grain] the token that is wanted if it is offered, else the best: only its mask is made. All
 *   masks are made when absent
 */

/**
 * @typedef {object} Decoded
 * @property {number} requestId
 * @property {Candidate[]} candidates best predicted IoU first; three for an ambiguous prompt
 *   (at most two points, padding and box corners counted), else one
 * @property {boolean} wasKnown a preview had asked the same, nothing was computed
 * @property {number} latencyMs from the request to the reply, as the page saw it
 */

/**
 * @typedef {object} DecoderHealth
 * @property {number} threads in use
 * @property {boolean} simd
 * @property {boolean} isolated the page is cross-origin isolated
 * @property {number | null} decodeMs median of the latest decodes inside the worker
 */

/**
 * @typedef {object} PreviewRequest
 * @property {string} imageKey an image that was opened
 * @property {string | null} [cropKey] a crop of it that answers instead while it is open, unless its mask leaves it
 * @property {Prompt} prompt in image pixels
 * @property {number | null} grain the token that is wanted if it is offered
 * @property {import('../geometry/logits.js').Part} part of the image, in the pixels that the screen can show
 * @property {Look} look
 */

/** @typedef {import('./preview_picture.js').Look} Look */
/** @typedef {import('./preview_picture.js').PreviewPicture} PreviewPicture */

export {};
