/**
 * Pointer Events of the stage, told to the tool in hand as places in the image. Panning and zooming happen here
 * and never reach a tool.
 *
 * @typedef {import('./stage.js').Stage} Stage
 * @typedef {{x: number, y: number}} Place
 *
 * @typedef {object} Touch  one pointer event as a tool sees it
 * @property {Place} at  image pixels
 * @property {number} near  image pixels that a hand can aim at
 * @property {Place[]} trail  places since the last event, `at` is the last
 * @property {boolean} secondary  right button, or the eraser end of a pen
 * @property {boolean} alt
 * @property {boolean} ctrl
 * @property {string} pointerType
 *
 * @typedef {object} Tool
 * @property {string} cursor  CSS cursor of the stage
 * @property {() => void} enter
 * @property {() => void} exit
 * @property {(touch: Touch) => void} down
 * @property {(touch: Touch) => void} move  button held or not
 * @property {(touch: Touch) => void} up
 * @property {() => void} cancel
 * @property {() => void} leave
 *
 * @typedef {object} PointerOptions
 * @property {HTMLElement} host
 * @property {Stage} stage
 * @property {() => Tool} tool
 * @property {(direction: 1 | -1) => void} resizeBrush
 * @property {AbortSignal} signal
 */
import { inImage, toImage } from './viewport.js';

const MIDDLE = 1;
const SECONDARY = 2;
const PEN_ERASER = 5;
const AIM_PX = 11;
const AIM_TOUCH_PX = 20;
/** So long after its last sign a pen is at hand: a single touch is the hand that holds it. */
const PEN_NEAR_MS = 5000;

/** @param {PointerOptions} options */
export function listenToPointers(options) {
  new Pointers(options);
}

class Pointers {
  #options;
  /** @type {Map<number, Place>} screen places of the fingers */
  #fingers = new Map();
  /** @type {'none' | 'tool' | 'pan' | 'pinch'} */
  #doing = 'none';
  #held = -1;
  #heldIsPen = false;
  /** Of its last sign, also hovering. */
  #penAtMs = -PEN_NEAR_MS;
  #spaceHeld = false;
  #last = { x: 0, y: 0 };

  /** @param {PointerOptions} options */
  constructor(options) {
    this.#options = options;
    const { host, signal } = options;
    const on = { signal };
    host.addEventListener('pointerdown', (event) => this.#down(event), on);
    host.addEventListener('pointermove', (event) => this.#move(event), on);
    host.addEventListener('pointerup', (event) => this.#up(event), on);
    host.addEventListener('pointercancel', (event) => this.#cancel(event), on);
    host.addEventListener('pointerleave', () => this.#doing === 'none' && options.tool().leave(), on);
    host.addEventListener('wheel', (event) => this.#wheel(event), { signal, passive: false });
    host.addEventListener('contextmenu', (event) => event.preventDefault(), on);
    document.addEventListener('keydown', (event) => this.#space(event, true), on);
    document.addEventListener('keyup', (event) => this.#space(event, false), on);
    window.addEventListener('blur', () => this.#releaseSpace(), on);
  }

  /** @param {PointerEvent} event */
  #down(event) {
    if (event.target instanceof Element && event.target.closest('button, input, a')) return;
    this.#options.host.focus({ preventScroll: true });
    const at = this.#screen(event);
    if (event.pointerType === 'pen') this.#penComes(event);
    if (event.pointerType === 'touch') {
      if (this.#heldIsPen) return;
      this.#fingers.set(event.pointerId, at);
      if (this.#fingers.size === 2) return this.#startPinch();
      if (event.timeStamp - this.#penAtMs < PEN_NEAR_MS) return;
    }
    if (this.#doing !== 'none') return;
    event.preventDefault();
    this.#options.host.setPointerCapture(event.pointerId);
    this.#held = event.pointerId;
    this.#heldIsPen = event.pointerType === 'pen';
    this.#last = at;
    this.#doing = this.#spaceHeld || event.button === MIDDLE ? 'pan' : 'tool';
    this.#showCursor();
    if (this.#doing === 'tool') this.#options.tool().down(this.#touch(event));
  }

  /**
   * The hand often lies down before the pen does: what it began is none of the person's.
   *
   * @param {PointerEvent} event
   */
  #penComes(event) {
    this.#penAtMs = event.timeStamp;
    if (this.#fingers.size === 0) return;
    this.#fingers.clear();
    if (this.#doing === 'tool') this.#options.tool().cancel();
    this.#rest();
  }

  /** @param {PointerEvent} event */
  #move(event) {
    if (event.pointerType === 'pen') this.#penAtMs = event.timeStamp;
    if (event.pointerType === 'touch' && !this.#fingers.has(event.pointerId)) return;
    const at = this.#screen(event);
    if (this.#doing === 'pinch') return this.#pinch(event, at);
    if (this.#doing !== 'none' && event.pointerId !== this.#held) return;
    if (this.#doing === 'pan') {
      this.#options.stage.pan(at.x - this.#last.x, at.y - this.#last.y);
      this.#last = at;
      return;
    }
    this.#options.tool().move(this.#touch(event));
  }

  /** @param {PointerEvent} event */
  #up(event) {
    this.#fingers.delete(event.pointerId);
    if (this.#doing === 'pinch') return this.#endPinch();
    if (event.pointerId !== this.#held) return;
    const doing = this.#doing;
    this.#rest();
    if (doing === 'tool') this.#options.tool().up(this.#touch(event));
  }

  /** @param {PointerEvent} event */
  #cancel(event) {
    this.#fingers.delete(event.pointerId);
    if (this.#doing !== 'pinch' && event.pointerId !== this.#held) return;
    if (this.#doing === 'tool') this.#options.tool().cancel();
    this.#rest();
  }

  #startPinch() {
    if (this.#doing === 'tool') this.#options.tool().cancel();
    this.#doing = 'pinch';
  }

  #endPinch() {
    if (this.#fingers.size === 0) this.#rest();
  }

  /**
   * @param {PointerEvent} event
   * @param {Place} at
   */
  #pinch(event, at) {
    const before = [...this.#fingers.values()];
    if (!this.#fingers.has(event.pointerId)) return;
    this.#fingers.set(event.pointerId, at);
    const now = [...this.#fingers.values()];
    if (before.length < 2) return;
    const from = middle(before[0], before[1]);
    const to = middle(now[0], now[1]);
    this.#options.stage.pan(to.x - from.x, to.y - from.y);
    this.#options.stage.zoom(distance(now[0], now[1]) / Math.max(1, distance(before[0], before[1])), to);
  }

  #rest() {
    this.#doing = 'none';
    this.#held = -1;
    this.#heldIsPen = false;
    this.#showCursor();
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    event.preventDefault();
    const delta = event.deltaY || event.deltaX;
    if (event.shiftKey) return this.#options.resizeBrush(delta < 0 ? 1 : -1);
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 33 : 1;
    const strength = event.ctrlKey ? 0.01 : 0.002;
    const factor = Math.exp(-Math.max(-240, Math.min(240, delta * lines)) * strength);
    this.#options.stage.zoom(factor, this.#screen(event));
  }

  /**
   * @param {KeyboardEvent} event
   * @param {boolean} held
   */
  #space(event, held) {
    if (event.code !== 'Space' || event.ctrlKey) return;
    if (event.target instanceof Element && event.target.closest('button, input, textarea, select, a, dialog')) return;
    event.preventDefault();
    this.#spaceHeld = held;
    this.#showCursor();
  }

  #releaseSpace() {
    this.#spaceHeld = false;
    this.#showCursor();
  }

  #showCursor() {
    const { host, tool } = this.#options;
    if (this.#doing === 'pan') host.style.cursor = 'grabbing';
    else host.style.cursor = this.#spaceHeld ? 'grab' : tool().cursor;
  }

  /**
   * @param {MouseEvent} event
   * @returns {Place} CSS pixels of the stage
   */
  #screen(event) {
    const corner = this.#options.host.getBoundingClientRect();
    return { x: event.clientX - corner.left, y: event.clientY - corner.top };
  }

  /**
   * @param {PointerEvent} event
   * @returns {Touch}
   */
  #touch(event) {
    const { view } = this.#options.stage;
    const merged = event.type === 'pointermove' ? (event.getCoalescedEvents?.() ?? []) : [];
    const at = toImage(view, this.#screen(event));
    const trail = merged.map((one) => toImage(view, this.#screen(one)));
    return {
      at,
      near: inImage(view, event.pointerType === 'touch' ? AIM_TOUCH_PX : AIM_PX),
      trail: trail.length ? trail : [at],
      secondary: event.button === SECONDARY || event.button === PEN_ERASER || (event.buttons & 32) !== 0,
      alt: event.altKey,
      ctrl: event.ctrlKey || event.metaKey,
      pointerType: event.pointerType,
    };
  }
}

/**
 * @param {Place} a
 * @param {Place} b
 */
const middle = (a, b) => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });

/**
 * @param {Place} a
 * @param {Place} b
 */
const distance = (a, b) => Math.hypot(a.x - b.x, a.y - b.y);
