/** Image pixels to the model frame: the twin of `common/model_frame.py`, equal bit for bit. */

/** @typedef {import('./types.js').Box} Box */
/** @typedef {import('./types.js').ModelFrame} ModelFrame */
/** @typedef {import('./types.js').Prompt} Prompt */

const PADDING_LABEL = -1;
const BOX_TOP_LEFT_LABEL = 2;
const BOX_BOTTOM_RIGHT_LABEL = 3;

/**
 * The frame of an image: its longest side becomes `inputSize`, the other is rounded half up
 * and never shrinks below one pixel.
 *
 * @param {number} width image width in pixels
 * @param {number} height image height in pixels
 * @param {number} inputSize side of the model frame
 * @param {number} lowResSize side of the low-res logits
 * @returns {ModelFrame}
 */
export function frameOf(width, height, inputSize, lowResSize) {
  const scale = inputSize / Math.max(width, height);
  return {
    width,
    height,
    newWidth: Math.max(1, Math.floor(width * scale + 0.5)),
    newHeight: Math.max(1, Math.floor(height * scale + 0.5)),
    inputSize,
    lowResSize,
  };
}

/**
 * The frame of a crop of an image.
 *
 * @param {Box} crop
 * @param {{width: number, height: number}} image
 * @param {number} inputSize
 * @param {number} lowResSize
 * @returns {ModelFrame}
 */
export function frameOfCrop([x0, y0, x1, y1], image, inputSize, lowResSize) {
  const within = { x: x0, y: y0, width: image.width, height: image.height };
  return { ...frameOf(x1 - x0, y1 - y0, inputSize, lowResSize), within };
}

/**
 * @param {ModelFrame} frame
 * @returns {import('./types.js').Within} where the frame's pixels lie in the image
 */
export const placeOf = ({ within, width, height }) => within ?? { x: 0, y: 0, width, height };

/**
 * @param {ModelFrame} frame
 * @returns {Box} the part of the image that the frame shows
 */
export function boxOfFrame(frame) {
  const { x, y } = placeOf(frame);
  return [x, y, x + frame.width, y + frame.height];
}

/**
 * The prompt as the decoder's tensors: points in click order, then the two box corners, or one
 * padding point when there is no box.
 *
 * @param {Prompt} prompt in image pixels
 * @param {ModelFrame} frame
 * @returns {{coords: Float32Array, labels: Float32Array}} coords N×2 (x, y in the model frame),
 *   labels N (1 foreground, 0 background, -1 padding, 2 and 3 box corners)
 */
export function toFramePoints(prompt, frame) {
  const count = prompt.points.length + (prompt.box ? 2 : 1);
  const coords = new Float32Array(2 * count);
  const labels = new Float32Array(count);
  const xFactor = frame.newWidth / frame.width;
  const yFactor = frame.newHeight / frame.height;
  const { x: left, y: top } = placeOf(frame);
  /** @type {(i: number, x: number, y: number, label: number) => void} */
  const put = (i, x, y, label) => {
    coords[2 * i] = (x - left) * xFactor;
    coords[2 * i + 1] = (y - top) * yFactor;
    labels[i] = label;
  };
  prompt.points.forEach((point, i) => put(i, point.x, point.y, point.label));
  if (prompt.box) {
    const [x0, y0, x1, y1] = prompt.box;
    put(count - 2, x0, y0, BOX_TOP_LEFT_LABEL);
    put(count - 1, x1, y1, BOX_BOTTOM_RIGHT_LABEL);
  } else {
    labels[count - 1] = PADDING_LABEL;
  }
  return { coords, labels };
}
