/**
 * Crops of a large image: asked for when the view rests on a small part of it, opened in the decoder when they are
 * made. Nothing waits for them: without one the whole image answers.
 *
 * @typedef {import('../../geometry/types.js').Box} Box
 * @typedef {import('../../geometry/types.js').ModelFrame} ModelFrame
 * @typedef {import('../../state/types.js').Current} Current
 * @typedef {import('../../decoder/types.js').ImageAddress} ImageAddress
 *
 * @typedef {object} Crop
 * @property {Box} box
 * @property {number} side  of the grid's square, image pixels
 * @property {ImageAddress} address
 * @property {ModelFrame | null} frame  once the decoder has it; null when its embedding cannot be made
 *
 * @typedef {object} OpenImage
 * @property {ImageAddress} address  of the whole image
 * @property {number} inputSize  side of the model frame
 * @property {import('../../decoder/decoder_client.js').DecoderClient} client
 *
 * @typedef {object} CropsOptions
 * @property {import('../../api/client.js').ApiClient} api
 * @property {string} project  whose hints tell that an embedding was made
 * @property {() => void} opened  called when a crop can answer
 */
import { ApiError } from '../../api/transport.js';
import { DecoderError } from '../../decoder/errors.js';
import { NewestOnly } from '../../decoder/newest_only.js';
import { holds, sameBox } from '../../geometry/boxes.js';
import { cropSide, staysInside } from '../../geometry/crop_frame.js';
import { boxOfFrame } from '../../geometry/model_frame.js';
import { maskOf } from '../../state/current.js';
import { isEmpty } from '../../state/rasters.js';
import { wholePrompt } from '../../state/whole_prompt.js';
import { oneAtATime, ProjectHints } from '../../widgets/hints.js';

export class Crops {
  #options;
  /** @type {OpenImage | null} */
  #image = null;
  /** Those that need no further asking. @type {Crop[]} */
  #known = [];
  /** @type {Crop | null} */
  #waiting = null;
  /** Open while one is waited for: hundreds of pages would hear every embedding of a project otherwise. @type {ProjectHints | null} */
  #hints = null;
  /** @type {NewestOnly<{image: OpenImage, seen: Box}, import('../../api/types.js').WantedCrop>} */
  #asks = new NewestOnly(({ image, seen }) => this.#options.api.wantCrop(image.address.imageKey, image.address.expected.encoderFingerprint, seen));
  #tryWaiting = oneAtATime(async () => {
    if (this.#waiting) await this.#open(this.#waiting);
  });

  /** @param {CropsOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /** @param {OpenImage | null} image  null: none, or one that the server decodes, which knows whole images only */
  of(image) {
    this.#image = image;
    this.#known = [];
    this.#waitFor(null);
  }

  /**
   * The view rests: ask for the crop that would serve it.
   *
   * @param {Box | null} seen  what the stage shows of the image; null when no crop is wanted
   */
  async look(seen) {
    const image = this.#image;
    const side = image && seen && cropSide(seen, image.address.size, image.inputSize);
    if (!side) return this.#waitFor(null);
    const isMeant = (/** @type {Crop} */ crop) => crop.side === side && holds(crop.box, seen);
    if (this.#known.some(isMeant)) return this.#waitFor(null);
    if (this.#waiting && isMeant(this.#waiting)) return;
    const wanted = await this.#asks.ask({ image, seen }).catch(refused);
    if (!wanted || image !== this.#image) return;
    const crop = { box: wanted.crop, side, address: addressIn(image.address, wanted), frame: null };
    if (wanted.state === 'failed') this.#known.push(crop);
    else if (wanted.state === 'pending') this.#waitFor(crop);
    else await this.#open(crop);
  }

  /**
   * The smallest crop that has all that is seen and, when an object is in hand, all of its prompt and mask. An object
   * that was answered in a crop goes on there whatever is seen: the whole image shows less of it, or nothing.
   *
   * @param {Box | null} seen
   * @param {Current | null} current
   * @returns {{key: string, frame: ModelFrame} | null}
   */
  serving(seen, current) {
    const image = this.#image;
    if (!image || !seen) return null;
    const { size } = image.address;
    const begun = current && (current.candidates[0]?.frame ?? current.feedFrame);
    const isBegun = (/** @type {Box} */ box) => begun?.within && sameBox(boxOfFrame(begun), box);
    const fitting = this.#known.filter(({ box, frame }) => frame && (holds(box, seen) || isBegun(box)) && (!current || hasAll(box, current, size)));
    const [best] = fitting.sort((a, b) => a.side - b.side);
    return best?.frame ? { key: best.address.imageKey, frame: best.frame } : null;
  }

  /**
   * @param {Box} seen
   * @returns {boolean} whether there is a crop for what is seen, made or not
   */
  mayServe(seen) {
    return this.#image !== null && cropSide(seen, this.#image.address.size, this.#image.inputSize) !== null;
  }

  /** @param {Crop} crop */
  async #open(crop) {
    const image = this.#image;
    try {
      const frame = await image?.client.openImage(crop.address);
      if (image !== this.#image || !frame) return;
      this.#known.push({ ...crop, frame });
      if (this.#waiting === crop) this.#waitFor(null);
      this.#options.opened();
    } catch (error) {
      if (!(error instanceof DecoderError)) throw error;
      if (image !== this.#image) return;
      if (error.code === 'embedding_not_ready') this.#waitFor(crop);
      else this.#waitFor(null);
    }
  }

  /** @param {Crop | null} crop */
  #waitFor(crop) {
    this.#waiting = crop;
    if (crop) {
      this.#hints ??= new ProjectHints({ project: this.#options.project, onHint: (kind) => kind === 'images' && void this.#tryWaiting() });
      return;
    }
    this.#hints?.close();
    this.#hints = null;
  }
}

/**
 * @param {ImageAddress} image
 * @param {import('../../api/types.js').WantedCrop} wanted
 * @returns {ImageAddress}
 */
const addressIn = (image, { crop, url }) => ({ ...image, imageKey: `${image.imageKey} ${crop.join(' ')}`, embeddingUrl: url, crop });

/**
 * @param {Box} crop
 * @param {Current} current
 * @param {{width: number, height: number}} size
 * @returns {boolean}
 */
function hasAll(crop, current, size) {
  const { points, box } = wholePrompt(current);
  const hasPoints = points.every(({ x, y }) => holds(crop, [x, y, x + 1, y + 1]));
  if (!hasPoints || (box && !holds(crop, box))) return false;
  const mask = maskOf(current, size);
  return isEmpty(mask) || staysInside(mask.box, crop, size);
}

/**
 * Whoever cannot have a crop works on without: the next look asks again.
 *
 * @param {unknown} error
 * @returns {null}
 */
function refused(error) {
  if (!(error instanceof ApiError)) throw error;
  return null;
}
