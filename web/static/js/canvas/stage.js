/**
 * The drawing surface: two canvases, one behind for what rarely changes (image and masks of the list), one in
 * front for what follows the hand. Each is drawn at most once per animation frame, from the state.
 *
 * @typedef {import('../state/workbench.js').Workbench} Workbench
 * @typedef {import('./viewport.js').Viewport} Viewport
 * @typedef {import('./viewport.js').Place} Place
 * @typedef {import('./tiles.js').Tiles} Tiles
 * @typedef {{picture: CanvasImageSource, width: number, height: number, tiles: Tiles | null}} Picture  `picture` may be
 *   smaller than width and height, then `tiles` has the fine pixels
 */
import { needsAnswer } from '../state/current.js';
import { currentOf } from '../state/workbench.js';
import { drawCursor } from './cursor_layer.js';
import { clear, drawHovered, drawInHand, drawMasks, drawPicture } from './layers.js';
import { drawWithin, moveDrawn, wholeOf } from './moved.js';
import { drawPrompt } from './prompt_layer.js';
import { fit, NO_VIEW, panBy, resized, zoomAt, zoomToBox } from './viewport.js';

const BACK = ['history', 'image', 'opacity', 'outlineOnly', 'selected', 'peek', 'brightness', 'contrast', 'solo', 'hidden'];

/** Event: `view`, after the image moved on the screen. */
export class Stage extends EventTarget {
  #host;
  #bench;
  #back;
  #front;
  /** @type {Viewport} */
  #view = NO_VIEW;
  /** @type {Picture | null} */
  #picture = null;
  #pending = { back: false, front: false, asked: false };
  /** What the layer behind shows; null when anything but the view changed. @type {Viewport | null} */
  #shown = null;
  #fitted = true;
  #listening = new AbortController();
  /** Whether the keyboard moves the crosshair. */
  #crosshair = false;

  /**
   * @param {{host: HTMLElement, bench: () => Workbench}} options
   */
  constructor({ host, bench }) {
    super();
    this.#host = host;
    this.#bench = bench;
    this.#back = newLayer(host, 'stage-back');
    this.#front = newLayer(host, 'stage-front');
    new ResizeObserver(() => this.#resize()).observe(host);
    this.#resize();
  }

  /** @returns {Viewport} */
  get view() {
    return this.#view;
  }

  /** @returns {Picture | null} */
  get picture() {
    return this.#picture;
  }

  /** @param {Picture | null} picture */
  show(picture) {
    this.#listening.abort();
    this.#listening = new AbortController();
    this.#picture = picture;
    this.#shown = null;
    picture?.tiles?.addEventListener('tile', () => this.#redraw(), { signal: this.#listening.signal });
    this.#fitted = true;
    this.fit();
  }

  fit() {
    this.#fitted = true;
    if (this.#picture) this.#look(fit(this.#view, this.#picture));
    else this.#draw({ back: true, front: true });
  }

  /** @param {import('../state/types.js').Box} box */
  zoomTo(box) {
    this.#fitted = false;
    if (this.#picture) this.#look(zoomToBox(this.#view, box));
  }

  /**
   * @param {number} factor
   * @param {Place} [at]  CSS pixels of the stage; its centre when absent
   */
  zoom(factor, at = { x: this.#view.width / 2, y: this.#view.height / 2 }) {
    this.#fitted = false;
    if (this.#picture) this.#look(zoomAt(this.#view, this.#picture, at, factor));
  }

  /**
   * @param {number} dx  CSS pixels
   * @param {number} dy
   */
  pan(dx, dy) {
    this.#fitted = false;
    if (this.#picture) this.#look(panBy(this.#view, this.#picture, dx, dy));
  }

  /** @param {boolean} shown */
  set crosshair(shown) {
    if (this.#crosshair === shown) return;
    this.#crosshair = shown;
    this.#draw({ front: true });
  }

  /**
   * The state changed: draw the layers that show what changed.
   *
   * @param {Workbench} now
   * @param {Workbench} before
   */
  follow(now, before) {
    const alone = now.solo && now.hovered !== before.hovered;
    const back = alone || BACK.some((key) => Reflect.get(now, key) !== Reflect.get(before, key));
    if (back) this.#redraw();
    this.#draw({ front: true });
  }

  #redraw() {
    this.#shown = null;
    this.#draw({ back: true });
  }

  /** @param {Viewport} view */
  #look(view) {
    this.#view = view;
    this.#draw({ back: true, front: true });
    this.dispatchEvent(new Event('view'));
  }

  #resize() {
    const { clientWidth, clientHeight } = this.#host;
    const ratio = window.devicePixelRatio || 1;
    for (const layer of [this.#back, this.#front]) {
      layer.canvas.width = Math.max(1, Math.round(clientWidth * ratio));
      layer.canvas.height = Math.max(1, Math.round(clientHeight * ratio));
    }
    this.#view = resized(this.#view, Math.max(1, clientWidth), Math.max(1, clientHeight), ratio);
    if (this.#fitted && this.#picture) this.#view = fit(this.#view, this.#picture);
    this.#shown = null;
    this.#paint(true, true);
    this.dispatchEvent(new Event('view'));
  }

  /** @param {{back?: boolean, front?: boolean}} what */
  #draw({ back = false, front = false }) {
    this.#pending.back ||= back;
    this.#pending.front ||= front;
    if (this.#pending.asked) return;
    this.#pending.asked = true;
    requestAnimationFrame(() => {
      const wanted = this.#pending;
      this.#pending = { back: false, front: false, asked: false };
      this.#paint(wanted.back, wanted.front);
    });
  }

  /**
   * @param {boolean} back
   * @param {boolean} front
   */
  #paint(back, front) {
    const bench = this.#bench();
    if (back) {
      const { scale, left, top } = this.#view;
      this.#host.dataset.view = `${scale} ${left} ${top}`;
      const parts = this.#shown ? moveDrawn(this.#back, this.#shown, this.#view) : [wholeOf(this.#back)];
      for (const part of parts) drawWithin(this.#back, part, () => this.#drawBack(bench, part));
      this.#shown = this.#view;
    }
    if (!front) return;
    this.#host.setAttribute('aria-busy', String(awaitsModel(bench)));
    clear(this.#front, this.#view);
    if (!this.#picture) return;
    drawHovered(this.#front, this.#view, bench);
    drawInHand(this.#front, this.#view, bench);
    drawPrompt(this.#front, this.#view, bench);
    drawCursor(this.#front, this.#view, bench, this.#crosshair);
  }

  /**
   * @param {Workbench} bench
   * @param {import('../state/types.js').Box} part  device pixels
   */
  #drawBack(bench, part) {
    clear(this.#back, this.#view);
    if (!this.#picture) return;
    drawPicture(this.#back, this.#view, this.#picture, bench);
    drawMasks(this.#back, this.#view, bench, part);
  }
}

/**
 * @param {Workbench} bench
 * @returns {boolean} whether a prompt waits for the model's answer
 */
function awaitsModel(bench) {
  const current = currentOf(bench);
  return current !== null && bench.decoder.kind === 'ready' && needsAnswer(current);
}

/**
 * @param {HTMLElement} host
 * @param {string} name
 * @returns {CanvasRenderingContext2D}
 */
function newLayer(host, name) {
  const canvas = document.createElement('canvas');
  canvas.className = name;
  canvas.setAttribute('aria-hidden', 'true');
  host.append(canvas);
  return /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
}
