/**
 * A list of which only the rows in view are in the page, and some beside them, so that Tab always finds the next one.
 * What has the focus stays. A reader is told how many there are and which one this is.
 *
 * @typedef {object} Row
 * @property {HTMLLIElement} element
 * @property {(index: number) => void} show  fills it, or fills it again
 */
import { RowPlaces } from './row_places.js';

/** Rows above and below the view. */
const BESIDE = 4;
const ROW_PX = 56;

/** @type {Readonly<Record<string, (index: number, last: number) => number>>} */
const STEPS = { ArrowDown: (index) => index + 1, ArrowUp: (index) => index - 1, Home: () => 0, End: (_, last) => last };

export class VirtualRows {
  #list;
  #scroller;
  #make;
  #places = new RowPlaces(ROW_PX);
  /** @type {Map<string, Row>} in the page */
  #rows = new Map();
  #watch;
  /** The part of the list in view, as last heard of: asking would make the browser lay the page out. */
  #view = { top: 0, height: 0 };

  /**
   * @param {object} options
   * @param {HTMLElement} options.list
   * @param {HTMLElement} options.scroller  around the list
   * @param {(key: string) => Row} options.make
   */
  constructor({ list, scroller, make }) {
    this.#list = list;
    this.#scroller = scroller;
    this.#make = make;
    this.#watch = new ResizeObserver((entries) => this.#measure(entries));
    this.#watch.observe(scroller);
    scroller.addEventListener('scroll', () => this.#scrolled(), { passive: true });
    list.addEventListener('focusin', () => this.#fill(false));
    list.addEventListener('keydown', (event) => this.#step(event));
  }

  /** @param {readonly string[]} keys  of all rows, in order; those in view are shown again */
  show(keys) {
    this.#places.keys = keys;
    this.#fill(true);
  }

  /** Nothing that was shown is of use any more. */
  clear() {
    for (const row of this.#rows.values()) this.#watch.unobserve(row.element);
    this.#rows.clear();
    this.#list.replaceChildren();
    this.#scroller.scrollTop = 0;
    this.#view.top = 0;
  }

  #scrolled() {
    this.#view.top = this.#scroller.scrollTop;
    this.#fill(false);
  }

  /** @param {boolean} again  whether rows that are there already are filled again */
  #fill(again) {
    const wanted = this.#wanted();
    for (const [key, { element }] of this.#rows) {
      if (wanted.has(key)) continue;
      this.#watch.unobserve(element);
      element.remove();
      this.#rows.delete(key);
    }
    const sorted = [...wanted].sort((a, b) => this.#places.indexOf(a) - this.#places.indexOf(b));
    sorted.forEach((key, at) => {
      const known = this.#rows.get(key);
      const row = known ?? this.#make(key);
      this.#rows.set(key, row);
      if (this.#list.children[at] !== row.element) this.#list.insertBefore(row.element, this.#list.children[at] ?? null);
      if (!known) this.#watch.observe(row.element);
      if (!known || again) row.show(this.#places.indexOf(key));
    });
    this.#place();
  }

  /** @returns {Set<string>} keys of the rows in view, of those beside them, and of the one with the focus and its neighbours */
  #wanted() {
    const { keys } = this.#places;
    const { from, to } = this.#places.between(this.#view.top, this.#view.top + this.#view.height);
    const wanted = new Set(keys.slice(Math.max(0, from - BESIDE), to + BESIDE));
    const focused = this.#focused();
    if (focused >= 0) for (const key of keys.slice(Math.max(0, focused - 1), focused + 2)) wanted.add(key);
    return wanted;
  }

  /** @returns {number} index of the row with the focus, -1 without one */
  #focused() {
    for (const [key, { element }] of this.#rows) if (element.contains(document.activeElement)) return this.#places.indexOf(key);
    return -1;
  }

  #place() {
    this.#list.style.height = `${this.#places.height}px`;
    const size = String(this.#places.keys.length);
    for (const [key, { element }] of this.#rows) {
      const index = this.#places.indexOf(key);
      element.style.top = `${this.#places.topOf(index)}px`;
      element.setAttribute('aria-posinset', String(index + 1));
      element.setAttribute('aria-setsize', size);
    }
  }

  /** @param {ResizeObserverEntry[]} entries */
  #measure(entries) {
    const sizes = new Map(entries.map(({ target, borderBoxSize }) => [target, borderBoxSize[0].blockSize]));
    /** @type {Map<string, number>} */
    const heights = new Map();
    for (const [key, { element }] of this.#rows) {
      const height = sizes.get(element);
      if (height) heights.set(key, height);
    }
    this.#view.height = sizes.get(this.#scroller) ?? this.#view.height;
    if (this.#places.measured(heights) || sizes.has(this.#scroller)) this.#fill(false);
  }

  /**
   * Arrows, Home and End go from row to row, however far away the row is.
   *
   * @param {KeyboardEvent} event
   */
  #step(event) {
    const from = this.#focused();
    const step = STEPS[event.key];
    if (from < 0 || !step || event.ctrlKey || event.altKey || event.shiftKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    const last = this.#places.keys.length - 1;
    const to = Math.min(last, Math.max(0, step(from, last)));
    const which = this.#placeInRow(from);
    this.#scrollTo(to);
    const control = this.#rows.get(this.#places.keys[to])?.element.querySelectorAll('button')[which];
    control?.focus({ preventScroll: true });
  }

  /**
   * @param {number} index
   * @returns {number} which of its buttons has the focus
   */
  #placeInRow(index) {
    const buttons = this.#rows.get(this.#places.keys[index])?.element.querySelectorAll('button') ?? [];
    return Math.max(0, [...buttons].findIndex((button) => button === document.activeElement));
  }

  /** @param {number} index */
  #scrollTo(index) {
    const top = this.#places.topOf(index);
    const foot = this.#places.topOf(index + 1);
    if (top < this.#view.top) this.#scroller.scrollTop = top;
    else if (foot > this.#view.top + this.#view.height) this.#scroller.scrollTop = foot - this.#view.height;
    this.#scrolled();
  }
}
