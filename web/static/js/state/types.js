/**
 * The shapes of the workbench's state. Everything here is immutable: an action returns a new value and shares
 * what did not change. Lengths and positions are image pixels unless a name says otherwise.
 *
 * @typedef {import('../geometry/types.js').MaskRaster} MaskRaster
 * @typedef {import('../geometry/types.js').Rle} Rle
 *
 * @typedef {import('../geometry/types.js').Box} Box
 * @typedef {import('../geometry/types.js').Point} Point
 *
 * @typedef {object} Candidate  one of the masks the decoder offers for a prompt
 * @property {number} token  which output token it came from (0 alone, or 1 to 3: the remembered grain)
 * @property {number | null} predictedIou  null when the model has not seen this mask
 * @property {number} stability
 * @property {Float32Array | null} lowRes  logits before the threshold; null once the answer has cooled (see timeline.js)
 * @property {MaskRaster | null} mask  null when it can be made again: of the logits in their frame, or of `rle`
 * @property {import('../geometry/types.js').ModelFrame} [frame]  of the logits
 * @property {Rle | null} rle
 * @property {boolean} [atClickOnly]  of the two answers about an opened mask: changed only by the pieces that hold the clicks, or whole
 *
 * @typedef {object} Painted  pixels a person painted or erased; later clicks cannot undo them
 * @property {Rle | null} add
 * @property {Rle | null} remove
 *
 * @typedef {object} Stroke
 * @property {'brush' | 'eraser'} mode
 * @property {'circle' | 'square' | 'lasso'} shape  lasso: the points are an outline, and what is inside counts
 * @property {number} size  diameter or side, image pixels; 0 of a lasso
 * @property {readonly (readonly [number, number])[]} points
 *
 * @typedef {{readonly kind: string, readonly [fact: string]: unknown}} Step  one prompt as the server keeps it, in order
 *
 * @typedef {object} Current  the object in hand
 * @property {string} id  UUID of the mask it will become, or of the mask that was opened again
 * @property {boolean} reopened
 * @property {readonly Point[]} points  in click order
 * @property {Box | null} box
 * @property {readonly Candidate[]} candidates  empty until the decoder has answered this prompt
 * @property {number} chosen  index into candidates
 * @property {boolean} answered
 * @property {Float32Array | null} feed  logits of the candidate chosen before the last prompt, given back to the decoder
 * @property {import('../geometry/types.js').ModelFrame} [feedFrame]  of `feed`
 * @property {Rle | null} base  what is shown before the decoder answers: the opened mask, or the mask before the last prompt
 * @property {Rle | null} origin  the opened mask as it was
 * @property {readonly Point[] | null} [newPoints]  clicks that `base` knows nothing of; null when a box is among what is new
 * @property {boolean} [atClickOnly]  which of two answers about an opened mask is chosen
 * @property {{readonly points: readonly Point[], readonly box: Box | null} | null} [madeOf]  the clicks that made the opened mask, if nothing else did
 * @property {Painted} painted
 * @property {readonly Step[]} steps
 *
 * @typedef {{x: number, y: number, note: string}} Pin  a reviewer's remark at a place of the picture
 *
 * @typedef {object} Review  what a reviewer decided about a mask's pixels
 * @property {'accepted' | 'fixed' | 'rejected'} outcome
 * @property {string} reason  empty unless rejected
 * @property {string} note
 * @property {readonly Pin[]} pins
 * @property {number} version
 * @property {number | null} iou  of a fix, with what it was before
 * @property {string} at
 *
 * @typedef {object} Mask
 * @property {string} id
 * @property {Rle} rle
 * @property {number} area  pixels
 * @property {Box} box
 * @property {number} color  index into the palette
 * @property {Painted} painted
 * @property {readonly Step[]} steps
 * @property {number | null} predictedIou
 * @property {string | null} modelVersion
 * @property {number} orderIndex
 * @property {'draft' | 'accepted'} state
 * @property {boolean} givenUp
 * @property {string | null} [parent]  UUID of the mask that it is a part of; it may be gone
 * @property {Review | null} [review]  goes with the pixels it is about
 *
 * @typedef {object} Doc  what undo and redo move through
 * @property {readonly Mask[]} masks  in the order they were made
 * @property {Current | null} current
 *
 * @typedef {{readonly label: string, readonly doc: Doc}} Moment
 * @typedef {object} History
 * @property {readonly Moment[]} past  oldest first; `label` names the act that left it
 * @property {Doc} present
 * @property {readonly Moment[]} future  next first
 */

export {};
