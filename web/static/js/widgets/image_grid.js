// The grid of a list of images of any length. Every image has its place in the page from the beginning, so that scroll
// bar, End, Tab and the browser's search work as on any page. Places stand in blocks of whole rows; blocks out of sight
// are not laid out (content-visibility), and what belongs into them is read when they come near.

import { element } from './elements.js';
import { ImageCard } from './image_card.js';
import { ImagePages, PAGE_SIZE } from './image_pages.js';
import { RestingQueue } from './resting_queue.js';

/** @typedef {import('../api/types.js').ImageFacts} ImageFacts */
/** @typedef {{first: number, px: number}} Place  the first image in view, and how far its top is above the window's */

const NEAR_PX = 500;
const REST_MS = 100;

/** @type {Readonly<Record<string, (from: number, columns: number, last: number) => number>>} */
const STEPS = {
  ArrowRight: (from) => from + 1,
  ArrowLeft: (from) => from - 1,
  ArrowDown: (from, columns) => from + columns,
  ArrowUp: (from, columns) => from - columns,
  Home: () => 0,
  End: (_from, _columns, last) => last,
};

export class ImageGrid {
  #list;
  #api;
  #onOpen;
  #onTotal;
  #onFault;
  #onPlace;
  #selection;
  #pages;
  #painting = new RestingQueue();
  /** @type {HTMLElement[]} each with `PAGE_SIZE` places, the last with the rest */
  #blocks = [];
  /** @type {HTMLElement[]} */
  #places = [];
  /** @type {Map<Element, ImageCard>} */
  #cards = new Map();
  /** @type {Map<Element, number>} */
  #indices = new Map();
  /** @type {Set<number>} */
  #near = new Set();
  #watchBlocks = new IntersectionObserver((entries) => this.#blocksSeen(entries), { rootMargin: `${2 * NEAR_PX}px 0px` });
  #watch = new IntersectionObserver((entries) => this.#seen(entries), { rootMargin: `${NEAR_PX}px 0px` });
  #chosenLast = 0;
  /** @type {Place | null} */
  #goal = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #resting;
  /** @type {{place: number, which: 'button' | 'input'} | null} where the keyboard goes as soon as it can */
  #focus = null;

  /**
   * @param {object} options
   * @param {HTMLElement} options.list
   * @param {import('../api/client.js').ApiClient} options.api
   * @param {(offset: number, limit: number) => Promise<{images: ImageFacts[], total: number}>} options.read
   * @param {import('./image_selection.js').ImageSelection} options.selection
   * @param {(image: ImageFacts) => void} options.onOpen
   * @param {(total: number) => void} options.onTotal  after each page that was read
   * @param {(fault: unknown) => void} options.onFault
   * @param {(place: Place, last: number, total: number) => void} options.onPlace  scrolling came to rest, or the list changed; `last` is the last image in view
   */
  constructor({ list, api, read, selection, onOpen, onTotal, onFault, onPlace }) {
    this.#list = list;
    this.#api = api;
    this.#selection = selection;
    this.#onOpen = onOpen;
    this.#onTotal = onTotal;
    this.#onFault = onFault;
    this.#onPlace = onPlace;
    this.#pages = new ImagePages({ read, onPage: (...page) => this.#show(...page), onFault });
    new ResizeObserver(() => this.#measure()).observe(list);
    list.addEventListener('keydown', (event) => this.#step(event));
    addEventListener('keydown', (event) => this.#beforeFind(event));
    addEventListener('scrollend', () => this.#restedSoon());
  }

  /** Another list: from its beginning. */
  restart() {
    this.#resize(0);
    this.#focus = null;
    this.#chosenLast = 0;
    this.#pages.restart();
  }

  /** Some of the images changed. */
  refresh() {
    this.#pages.expire();
  }

  markChosen() {
    for (const card of this.#cards.values()) card.mark(this.#selection.has(card.id));
  }

  chooseAll() {
    return this.#choose(0, this.#pages.total, true);
  }

  /** @param {Place} place  gone to as soon as it is known how high images are here */
  goTo(place) {
    this.#goal = place;
  }

  /** @param {number} first @param {ImageFacts[]} images @param {number} total */
  #show(first, images, total) {
    this.#resize(total);
    images.forEach((image, i) => {
      const card = this.#cardAt(first + i);
      card.show(image);
      card.mark(this.#selection.has(image.id));
    });
    if (this.#focus !== null && document.activeElement === this.#places[this.#focus.place]) this.#focusWanted();
    this.#onTotal(total);
    this.#restedSoon();
  }

  /** Blocks out of sight are taken to be as high as their rows would be, each like the lowest image that is drawn. */
  #measure() {
    const drawn = [...this.#near].map((index) => this.#places[index]).filter((place) => this.#cards.has(place));
    const height = Math.min(...drawn.map((place) => place.offsetHeight));
    if (Number.isFinite(height)) this.#list.style.setProperty('--card-height', `${height}px`);
    const columns = this.#columns;
    for (const block of this.#blocks) block.style.setProperty('--rows', String(Math.ceil(block.children.length / columns)));
  }

  /** @returns {number} of the grid; at least 1 */
  get #columns() {
    const [block] = this.#blocks;
    return block ? getComputedStyle(block).gridTemplateColumns.split(' ').length : 1;
  }

  /** @param {number} total */
  #resize(total) {
    for (const place of this.#places.splice(total)) {
      this.#leave(place);
      this.#cards.delete(place);
      this.#indices.delete(place);
      place.remove();
    }
    for (const block of this.#blocks.splice(Math.ceil(total / PAGE_SIZE))) {
      this.#watchBlocks.unobserve(block);
      block.remove();
    }
    while (this.#places.length < total) {
      if (this.#places.length % PAGE_SIZE === 0) this.#addBlock();
      const place = element('div', { class: 'image-card', role: 'listitem', tabindex: -1 });
      this.#indices.set(place, this.#places.length);
      this.#places.push(place);
      this.#blocks[this.#blocks.length - 1].append(place);
    }
    this.#measure();
  }

  #addBlock() {
    const block = element('div', { class: 'image-block', role: 'none' });
    this.#blocks.push(block);
    this.#list.append(block);
    this.#watchBlocks.observe(block);
  }

  /** @param {number} index */
  #cardAt(index) {
    const root = this.#places[index];
    const known = this.#cards.get(root);
    if (known) return known;
    const onChoose = (/** @type {boolean} */ isChosen, /** @type {boolean} */ toHere) => void this.#chosen(index, isChosen, toHere);
    const card = new ImageCard({ root, api: this.#api, painting: this.#painting, onOpen: this.#onOpen, onChoose });
    this.#cards.set(root, card);
    card.sighted(this.#near.has(index));
    return card;
  }

  /** @param {IntersectionObserverEntry[]} entries */
  #blocksSeen(entries) {
    for (const { target, isIntersecting } of entries) {
      for (const place of target.children) {
        if (isIntersecting) this.#watch.observe(place);
        else this.#leave(place);
      }
    }
  }

  /** @param {Element} place */
  #leave(place) {
    this.#watch.unobserve(place);
    this.#near.delete(this.#indices.get(place) ?? -1);
    this.#cards.get(place)?.sighted(false);
  }

  /** @param {IntersectionObserverEntry[]} entries */
  #seen(entries) {
    for (const { target, isIntersecting } of entries) {
      const index = this.#indices.get(target);
      if (index === undefined) continue;
      if (isIntersecting) this.#near.add(index);
      else this.#near.delete(index);
      this.#cards.get(target)?.sighted(isIntersecting);
    }
    this.#measure();
    this.#reachGoal();
    this.#restedSoon();
    if (this.#near.size > 0) this.#pages.want(Math.min(...this.#near), Math.max(...this.#near) + 1 + this.#columns);
  }

  #reachGoal() {
    const there = this.#goal && this.#places[Math.min(this.#goal.first, this.#places.length - 1)];
    if (!there || !this.#goal || this.#cards.size === 0) return;
    scrollBy({ top: there.getBoundingClientRect().top + this.#goal.px, behavior: 'instant' });
    this.#goal = null;
  }

  #restedSoon() {
    clearTimeout(this.#resting);
    this.#resting = setTimeout(() => this.#rested(), REST_MS);
  }

  #rested() {
    const inView = [...this.#near].sort((a, b) => a - b).filter((index) => {
      const { top, bottom } = this.#places[index].getBoundingClientRect();
      return bottom > 0 && top < innerHeight;
    });
    if (inView.length > 0) this.#onPlace({ first: inView[0], px: -this.#places[inView[0]].getBoundingClientRect().top }, inView[inView.length - 1], this.#places.length);
  }

  /** @param {number} index @param {boolean} isChosen @param {boolean} toHere */
  #chosen(index, isChosen, toHere) {
    const [from, last] = toHere ? [Math.min(index, this.#chosenLast), Math.max(index, this.#chosenLast)] : [index, index];
    this.#chosenLast = index;
    return this.#choose(from, last + 1, isChosen);
  }

  /** @param {number} from @param {number} to  outside @param {boolean} isChosen */
  async #choose(from, to, isChosen) {
    try {
      for (const image of await this.#pages.between(from, to)) this.#selection.choose(image.id, isChosen);
    } catch (fault) {
      this.#onFault(fault);
    }
    this.markChosen();
  }

  /**
   * Arrows, Home and End go from image to image, however far away it is.
   * @param {KeyboardEvent} event
   */
  #step(event) {
    const step = STEPS[event.key];
    const place = document.activeElement?.closest('.image-card');
    const from = place ? this.#indices.get(place) : undefined;
    if (!step || from === undefined || event.ctrlKey || event.altKey || event.shiftKey || event.metaKey) return;
    event.preventDefault();
    const columns = this.#columns;
    const last = this.#places.length - 1;
    const to = Math.min(last, Math.max(0, step(from, columns, last)));
    this.#focus = { place: to, which: document.activeElement instanceof HTMLInputElement ? 'input' : 'button' };
    this.#focusWanted();
  }

  /** The place itself has the focus until its image is there. */
  #focusWanted() {
    if (this.#focus === null) return;
    const { place, which } = this.#focus;
    const root = this.#places[place];
    root?.scrollIntoView({ block: 'nearest' });
    const card = root && this.#cards.get(root);
    if (card) {
      card.focus(which);
      this.#focus = null;
    } else {
      root?.focus({ preventScroll: true });
    }
  }

  /**
   * The browser's search finds what is in the page: all names, then.
   * @param {KeyboardEvent} event
   */
  #beforeFind(event) {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'f') this.#pages.between(0, this.#pages.total).catch(() => undefined);
  }
}
