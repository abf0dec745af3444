/**
 * What a click would give, under the pointer, while nothing is in hand.
 *
 * @typedef {import('../../state/workbench.js').Workbench} Workbench
 * @typedef {import('../../state/workbench.js').Place} Place
 *
 * @typedef {object} PreviewsOptions
 * @property {import('../../state/store.js').Store<Workbench>} store
 * @property {() => import('../../canvas/viewport.js').Viewport} view
 * @property {() => {imageKey: string, client: import('./decoding.js').Decoder} | null} open  the image that the decoder has open
 * @property {() => string | null} cropKey  of the crop that would answer a click
 */
import { previewView } from '../../canvas/preview_view.js';
import { DecoderError } from '../../decoder/errors.js';
import { currentOf, sizeOf } from '../../state/workbench.js';

export class Previews {
  #options;
  #isAsking = false;
  /** @type {Place | null} */
  #pointer = null;
  /** Counts moves of the pointer and of the view: what was previewed before is out of date. */
  #moves = 0;

  /** @param {PreviewsOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /** @param {Place | null} at */
  hover(at) {
    const isSame = at && this.#pointer && Math.floor(at.x) === Math.floor(this.#pointer.x) && Math.floor(at.y) === Math.floor(this.#pointer.y);
    this.#pointer = at;
    if (!isSame) this.anew();
  }

  /** What is shown is out of date. */
  anew() {
    this.#moves += 1;
    void this.show();
  }

  /**
   * @param {Workbench} now
   * @param {Workbench} before
   */
  follow(now, before) {
    if (before.preview !== now.preview) before.preview?.picture.close();
    const settled = currentOf(now) !== currentOf(before) || now.tool !== before.tool || now.previewOn !== before.previewOn;
    if (settled && !this.#mayShow()) this.#clear();
    else if (settled) void this.show();
  }

  /** One at a time, each for where the pointer is by then: the decoder's own pace, nothing queues. */
  async show() {
    const { store, view, cropKey } = this.#options;
    const at = this.#pointer;
    const open = this.#options.open();
    const shown = previewView(view(), sizeOf(store.get()));
    if (!this.#mayShow() || !at || !open || !shown) return this.#clear();
    if (this.#isAsking) return;
    this.#isAsking = true;
    const moves = this.#moves;
    try {
      const point = /** @type {const} */ ({ x: Math.floor(at.x), y: Math.floor(at.y), label: 1 });
      const request = { imageKey: open.imageKey, cropKey: cropKey(), prompt: { points: [point], box: null }, grain: store.get().grain, ...shown };
      const preview = await open.client.preview(request);
      if (open === this.#options.open() && this.#mayShow()) store.update((bench) => ({ ...bench, preview }));
      else preview?.picture.close();
    } catch (error) {
      if (!(error instanceof DecoderError)) throw error;
    } finally {
      this.#isAsking = false;
    }
    if (this.#moves !== moves) void this.show();
  }

  #mayShow() {
    const bench = this.#options.store.get();
    const { width, height } = sizeOf(bench);
    const at = this.#pointer;
    const onImage = at !== null && at.x >= 0 && at.y >= 0 && at.x < width && at.y < height;
    return onImage && bench.previewOn && bench.tool === 'clicks' && !currentOf(bench) && !bench.dragBox && bench.editing === 'open';
  }

  #clear() {
    this.#options.store.update((bench) => (bench.preview ? { ...bench, preview: null } : bench));
  }
}
