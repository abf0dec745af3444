/**
 * The shapes that the browser modules pass to each other.
 *
 * Points and boxes are x before y and in image pixels; array shapes and RLE sizes are height
 * before width. All values are immutable by convention: a change makes a new value.
 */

/**
 * Half-open rectangle `[x0, y0, x1, y1]` in image pixels: x1 and y1 are outside.
 * @typedef {[x0: number, y0: number, x1: number, y1: number]} Box
 */

/**
 * A binary mask of the size of its image, stored sparsely: only the rectangle `box`, which need
 * not be tight but always contains every set pixel, has bits. An empty mask has box [0, 0, 0, 0]
 * and no bits, so that a mask on a 100-megapixel image costs what its object covers.
 * @typedef {object} MaskRaster
 * @property {number} width image width in pixels
 * @property {number} height image height in pixels
 * @property {Box} box the stored rectangle
 * @property {Uint8Array} bits 0 or 1, row-major, `(x1 - x0) * (y1 - y0)` of them; never mutated
 */

/**
 * Compressed COCO run-length encoding, column-major, zeros first; the same as pycocotools writes.
 * @typedef {object} Rle
 * @property {[height: number, width: number]} size
 * @property {string} counts
 */

/**
 * One click. `x`, `y` are the indices of the clicked pixel (`Math.floor` of the position in the
 * image); the model itself adds the half pixel to its centre. Label 1 is foreground,
 * 0 is background.
 * @typedef {object} Point
 * @property {number} x
 * @property {number} y
 * @property {0 | 1} label
 */

/**
 * A place in the image in pixels, fractions allowed; pixel i covers [i, i + 1).
 * @typedef {{readonly x: number, readonly y: number}} Place
 */

/**
 * What a person told the model about one object: points in click order and at most one box.
 * @typedef {object} Prompt
 * @property {readonly Point[]} points
 * @property {Box | null} box
 */

/**
 * How an image, or a crop of it, lies in the padded square that the encoder saw.
 * @typedef {object} ModelFrame
 * @property {number} width of the image or crop in pixels
 * @property {number} height of the image or crop in pixels
 * @property {number} newWidth width of the image after the resize into the frame
 * @property {number} newHeight height of the image after the resize into the frame
 * @property {number} inputSize side of the frame
 * @property {number} lowResSize side of the low-res logits (256 for the published models)
 * @property {Within} [within] of a crop; absent when the frame is of the whole image
 */

/**
 * Where a crop begins in its image, and the size of that image; all in pixels.
 * @typedef {{x: number, y: number, width: number, height: number}} Within
 */

/**
 * One of the masks that the decoder offers for a prompt.
 * @typedef {object} Candidate
 * @property {number} token 0 for the single mask, 1 to 3 for the three grains of an ambiguous prompt
 * @property {number} predictedIou the model's own estimate
 * @property {number} stability stability score with offset 1, 0 to 1
 * @property {Float32Array} lowRes lowResSize² logits, row-major; feed back as `maskInput`
 * @property {MaskRaster | null} mask the logits at image resolution, thresholded at 0; null when nobody has asked for it
 */

export {};
