/**
 * The decoder at work: opens images and answers the prompt in hand.
 *
 * @typedef {import('../../state/workbench.js').Workbench} Workbench
 * @typedef {import('../../state/workbench.js').Place} Place
 * @typedef {import('../../state/workbench.js').DecoderState} DecoderState
 * @typedef {import('../../state/types.js').Current} Current
 * @typedef {import('../../geometry/types.js').ModelFrame} ModelFrame
 * @typedef {import('../../decoder/types.js').Decoded} Decoded
 * @typedef {import('../../api/types.js').Opening} Opening
 *
 * @typedef {DecoderClient | ServerDecoder} Decoder
 *
 * @typedef {object} DecodingOptions
 * @property {import('../../state/store.js').Store<Workbench>} store
 * @property {import('../../timing/recorder.js').InteractionRecorder} recorder
 * @property {import('../../api/client.js').ApiClient} api
 * @property {string} project
 * @property {string} staticBase  ends with a slash
 * @property {() => import('../../canvas/viewport.js').Viewport} view
 * @property {(message: string) => void} fault  tells the person
 */
import { previewView } from '../../canvas/preview_view.js';
import { wantedOf } from '../../decoder/candidates.js';
import { DecoderClient, DecoderError } from '../../decoder/decoder_client.js';
import { ServerDecoder } from '../../decoder/server_decoder.js';
import { sameBox } from '../../geometry/boxes.js';
import { leavesFrame } from '../../geometry/crop_frame.js';
import { boxOfFrame } from '../../geometry/model_frame.js';
import { answer, maskOf, needsAnswer } from '../../state/current.js';
import { UNPAINTED } from '../../state/painted.js';
import { amend } from '../../state/history.js';
import { imprint, logitsFromMask } from '../../state/mask_prompt.js';
import { inHand } from '../../state/masks.js';
import { isEmpty, rasterOf } from '../../state/rasters.js';
import { currentOf, sizeOf } from '../../state/workbench.js';
import { wholePrompt } from '../../state/whole_prompt.js';
import { Crops } from './crops.js';
import { Previews } from './previews.js';

const ASK_AGAIN_MS = 1500;
const SLOW_MS = 300;
const FIRST_RETRY_MS = 5000;
const REST_MS = 100;
/** Failures of a slow machine or network: worth another attempt while the image is open. */
const PASSING = new Set(['fetch_failed', 'decode_failed']);

export class Decoding {
  #options;
  /** @type {Promise<Decoder> | null} */
  #client = null;
  /** @type {{imageKey: string, frame: ModelFrame, client: Decoder} | null} */
  #open = null;
  /** @type {string | null} image that shall be open */
  #wanted = null;
  /** @type {Current | null} */
  #asking = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #slow;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #resting;
  #crops;
  #previews;

  /** @param {DecodingOptions} options */
  constructor(options) {
    this.#options = options;
    this.#previews = new Previews({
      store: options.store,
      view: options.view,
      open: () => this.#open,
      cropKey: () => this.#crops.serving(this.#seen(), null)?.key ?? null,
    });
    this.#crops = new Crops({ api: options.api, project: options.project, opened: () => this.#cropChanged() });
    options.store.watchNow((now, before) => this.#follow(now, before));
  }

  /** Start the worker while the first image is on its way; a failure shows when the image opens. */
  warm() {
    this.#start().catch(() => {});
  }

  /**
   * Open an image for the hand of this person. Failures become state.
   *
   * @param {Opening} assignment
   */
  async open(assignment) {
    this.#wanted = assignment.image.id;
    this.#open = null;
    this.#asking = null;
    this.#crops.of(null);
    this.#show({ kind: 'preparing', message: '', busy: false });
    await this.#tryOpen(assignment, FIRST_RETRY_MS);
  }

  /**
   * @param {Opening} assignment
   * @param {number} retryMs  until the next attempt, when the failure may pass
   */
  async #tryOpen(assignment, retryMs) {
    try {
      if (!assignment.model) throw new Error('No model version is in use yet');
      await this.#openWhenReady(assignment);
    } catch (error) {
      if (this.#wanted !== assignment.image.id) return;
      this.#fail(error, retryMs === FIRST_RETRY_MS);
      if (!(error instanceof DecoderError) || !PASSING.has(error.code)) return;
      await pause(retryMs);
      if (this.#wanted === assignment.image.id) await this.#tryOpen(assignment, 2 * retryMs);
    }
  }

  /** @param {Opening} assignment */
  async prefetch(assignment) {
    if (!assignment.model) return;
    try {
      const client = await this.#start();
      await client.prefetchImage(addressOf(assignment));
    } catch (error) {
      if (!(error instanceof DecoderError)) throw error;
    }
  }

  /** @param {Place | null} at */
  hover(at) {
    this.#previews.hover(at);
  }

  /** The image moved under the pointer; until it rests, the preview that is there moves with it. */
  followView() {
    clearTimeout(this.#resting);
    this.#resting = setTimeout(() => this.#rest(), REST_MS);
    this.#showCrop();
  }

  #rest() {
    this.#previews.anew();
    void this.#crops.look(this.#seen());
  }

  /** @returns {import('../../geometry/types.js').Box | null} what the stage shows of the image; null when no crop is wanted */
  #seen() {
    const bench = this.#options.store.get();
    return (bench.cropsOn && bench.editing === 'open' && previewView(this.#options.view(), sizeOf(bench))?.part.box) || null;
  }

  #cropChanged() {
    this.#showCrop();
    this.#previews.anew();
  }

  /** The badge says whether a click would be answered by a crop now, or could be. */
  #showCrop() {
    const { store, view } = this.#options;
    const bench = store.get();
    const shown = previewView(view(), sizeOf(bench))?.part.box;
    const isServed = this.#crops.serving(this.#seen(), currentOf(bench)) !== null;
    const isOff = !bench.cropsOn && shown !== undefined && this.#crops.mayServe(shown);
    const crop = isServed ? 'used' : isOff ? 'off' : null;
    if (bench.crop !== crop) store.update((now) => ({ ...now, crop }));
  }

  /** @returns {Promise<Decoder>} */
  #start() {
    const { staticBase } = this.#options;
    const absolute = new URL(staticBase, location.href);
    this.#client ??= DecoderClient.start({
      workerUrl: new URL('js/decoder/decoder_worker.js', absolute).href,
      ortBase: new URL('vendor/ort/', absolute).href,
    }).catch((fault) => this.#serverInstead(fault));
    return this.#client;
  }

  /**
   * A browser that cannot run the decoder has the server answer.
   *
   * @param {unknown} fault
   * @returns {Decoder}
   */
  #serverInstead(fault) {
    if (!(fault instanceof DecoderError)) throw fault;
    return new ServerDecoder((image, prompt) => this.#options.api.decode(image, prompt));
  }

  /** @param {Opening} assignment */
  async #openWhenReady(assignment) {
    const { model, image } = assignment;
    const client = await this.#start();
    await client.loadModel({ manifestUrl: model.manifest_url, filesUrl: model.files_url });
    while (this.#wanted === image.id) {
      const frame = await this.#openOnce(client, assignment);
      if (this.#wanted !== image.id) return;
      if (!frame) {
        this.#show({ kind: 'waiting', message: 'The model has not looked at this image yet', busy: false });
        await pause(ASK_AGAIN_MS);
        continue;
      }
      this.#open = { imageKey: image.id, frame, client };
      this.#crops.of(client instanceof DecoderClient ? { address: addressOf(assignment), inputSize: frame.inputSize, client } : null);
      void this.#crops.look(this.#seen());
      this.#show({ kind: 'ready', message: client.words, busy: false });
      void this.#answer();
      void this.#previews.show();
      return;
    }
  }

  /**
   * @param {Decoder} client
   * @param {Opening} assignment
   * @returns {Promise<ModelFrame | null>} null while the embedding is not made
   */
  async #openOnce(client, assignment) {
    try {
      return await client.openImage(addressOf(assignment));
    } catch (error) {
      if (error instanceof DecoderError && error.code === 'embedding_not_ready') return null;
      throw error;
    }
  }

  /**
   * @param {Workbench} now
   * @param {Workbench} before
   */
  #follow(now, before) {
    if (currentOf(now) !== currentOf(before)) void this.#answer();
    if (currentOf(now) !== currentOf(before) || now.cropsOn !== before.cropsOn) this.#showCrop();
    if (now.cropsOn !== before.cropsOn) this.#rest();
    this.#previews.follow(now, before);
  }

  async #answer() {
    const current = currentOf(this.#options.store.get());
    const open = this.#open;
    if (!open) return;
    if (!current || !needsAnswer(current)) return this.#busy(false);
    if (this.#asking && samePrompt(this.#asking, current)) return;
    this.#asking = current;
    this.#busy(true);
    try {
      const { decoded, frame } = await this.#decode(open, current);
      if (this.#asking === current) this.#asking = null;
      if (this.#open === open) this.#put(current, decoded, frame);
      if (!this.#asking) this.#busy(false);
    } catch (error) {
      if (this.#asking === current) this.#asking = null;
      if (this.#open === open) this.#options.fault(`The model could not answer: ${wordsOf(error)}`);
      this.#busy(false);
    }
  }

  /**
   * Answered by a crop when one shows all there is to it. A mask that goes on beyond the crop is none of a small thing:
   * then the whole image answers, as it does when the crop fails.
   *
   * @param {{imageKey: string, frame: ModelFrame, client: Decoder}} open
   * @param {Current} current
   * @returns {Promise<{decoded: Decoded, frame: ModelFrame}>}
   */
  async #decode({ imageKey, frame, client }, current) {
    const { grain } = this.#options.store.get();
    const prompt = wholePrompt(current);
    const ask = (/** @type {string} */ key, /** @type {ModelFrame} */ within) =>
      client.decode({ imageKey: key, prompt, maskInput: this.#maskInput(current, within), grain });
    const crop = this.#crops.serving(this.#seen(), current);
    const decoded = crop && (await ask(crop.key, crop.frame).catch(notByCrop));
    if (crop && decoded) {
      const wanted = wantedOf(decoded.candidates.map(({ token }) => token), grain);
      const candidates = decoded.candidates.filter(({ lowRes }) => !leavesFrame(lowRes, crop.frame));
      if (candidates.some(({ token }) => token === wanted)) return { decoded: { ...decoded, candidates }, frame: crop.frame };
    }
    const whole = await ask(imageKey, frame);
    return { decoded: { ...whole, latencyMs: whole.latencyMs + (decoded?.latencyMs ?? 0) }, frame };
  }

  /**
   * @param {Current} asked
   * @param {Decoded} decoded
   * @param {ModelFrame} frame
   */
  #put(asked, decoded, frame) {
    const candidates = decoded.candidates.map((candidate) => ({ ...candidate, rle: null, frame }));
    this.#options.store.update((bench) => {
      const current = currentOf(bench);
      if (!current || !samePrompt(current, asked)) return bench;
      const answered = inHand(bench.history.present, answer(current, candidates, bench.grain));
      return { ...bench, history: amend(bench.history, answered) };
    });
    this.#options.recorder.record('decode', {
      mask: asked.id,
      detail: {
        latency_ms: Math.round(decoded.latencyMs),
        predicted_iou: candidates[0]?.predictedIou ?? null,
        ...(frame.within && { crop: boxOfFrame(frame) }),
      },
    });
  }

  /**
   * @param {Current} current
   * @param {ModelFrame} frame
   * @returns {Float32Array | null}
   */
  #maskInput(current, frame) {
    const { painted } = current;
    const feed = isOfFrame(current, frame) ? current.feed : null;
    if (painted === UNPAINTED && current.feed) return feed;
    if (feed) {
      const add = painted.add && rasterOf(painted.add);
      const remove = painted.remove && rasterOf(painted.remove);
      return imprint(feed, frame, { add, remove });
    }
    const mask = maskOf(current, sizeOf(this.#options.store.get()));
    return isEmpty(mask) ? null : logitsFromMask(mask, frame);
  }

  /**
   * Said only when an answer takes long: words that flicker at every click help nobody.
   *
   * @param {boolean} busy
   */
  #busy(busy) {
    clearTimeout(this.#slow);
    const say = () => {
      const { decoder } = this.#options.store.get();
      if (decoder.busy !== busy) this.#show({ ...decoder, busy });
    };
    if (busy) this.#slow = setTimeout(say, SLOW_MS);
    else say();
  }

  /** @param {DecoderState} decoder */
  #show(decoder) {
    this.#options.store.update((bench) => ({ ...bench, decoder }));
  }

  /**
   * @param {unknown} error
   * @param {boolean} isFirst  what fails again is not told again
   */
  #fail(error, isFirst) {
    this.#show({ kind: 'failed', message: wordsOf(error), busy: false });
    if (isFirst) this.#options.fault('The model cannot run here now. Brush, eraser and lasso still work.');
  }
}

/** @param {Opening} assignment */
function addressOf({ image, model, embedding_url }) {
  return {
    imageKey: image.id,
    embeddingUrl: embedding_url,
    expected: { imageSha256: image.sha256, encoderFingerprint: model.encoder_fingerprint },
    bundleFingerprint: model.bundle_fingerprint,
    size: { width: image.width, height: image.height },
  };
}

/**
 * @param {Current} a
 * @param {Current} b
 */
const samePrompt = (a, b) => a.id === b.id && a.points === b.points && a.box === b.box;

/**
 * Logits of one frame mean nothing in another.
 *
 * @param {Current} current
 * @param {ModelFrame} frame
 */
const isOfFrame = ({ feedFrame }, frame) => (feedFrame ? sameBox(boxOfFrame(feedFrame), boxOfFrame(frame)) : !frame.within);

/**
 * @param {unknown} error
 * @returns {null}
 */
function notByCrop(error) {
  if (!(error instanceof DecoderError)) throw error;
  return null;
}

/** @param {unknown} error */
const wordsOf = (error) => (error instanceof Error ? error.message.replace(/\.$/, '') : String(error));

/** @param {number} ms */
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
