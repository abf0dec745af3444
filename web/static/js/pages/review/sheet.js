/**
 * The picture of the mask under review: drag moves it, a click sets a pin.
 *
 * @typedef {import('../../api/types.js').ReviewedMask} ReviewedMask
 * @typedef {import('../../api/types.js').ImageFacts} ImageFacts
 * @typedef {import('../../canvas/pointers.js').Touch} Touch
 * @typedef {import('../../canvas/stage.js').Picture} Picture
 * @typedef {import('../../state/types.js').Pin} Pin
 * @typedef {import('../../state/types.js').Review} Review
 * @typedef {import('../../state/workbench.js').Workbench} Workbench
 */
import { listenToPointers } from '../../canvas/pointers.js';
import { Stage } from '../../canvas/stage.js';
import { toScreen } from '../../canvas/viewport.js';
import { newHistory } from '../../state/history.js';
import { docFromServer } from '../../state/masks.js';
import { FIRST } from '../../state/workbench.js';
import { loadPicture } from '../workbench/pictures.js';

const TREMBLE_PX = 4;
const PICTURES_KEPT = 3;

/** @type {Omit<Review, 'pins'>} what makes the stage draw pins that are not sent yet */
const UNSENT = { outcome: 'rejected', reason: '', note: '', version: 0, iou: null, at: '' };

export class ReviewSheet {
  #api;
  #apiBase;
  #stage;
  /** @type {Workbench} */
  #bench = { ...FIRST, editing: 'locked', opacity: 0.35 };
  /** @type {ReviewedMask | null} */
  #shown = null;
  /** @type {readonly Pin[]} */
  #pins = [];
  /** Masks of the same image, drawn around the one under review. @type {readonly import('../../api/types.js').StoredMask[]} */
  #others = [];
  /** @type {Map<string, Promise<Picture>>} by image, least recently shown first */
  #pictures = new Map();

  /**
   * @param {object} options
   * @param {HTMLElement} options.host
   * @param {import('../../api/client.js').ApiClient} options.api
   * @param {string} options.apiBase
   * @param {(at: {x: number, y: number}) => void} options.onPin  a place of the picture was clicked
   */
  constructor({ host, api, apiBase, onPin }) {
    this.#api = api;
    this.#apiBase = apiBase;
    this.#stage = new Stage({ host, bench: () => this.#bench });
    const tool = pinTool(this.#stage, (at) => {
      const size = this.#shown?.image;
      if (size && at.x >= 0 && at.y >= 0 && at.x <= size.width && at.y <= size.height) onPin(at);
    });
    listenToPointers({ host, stage: this.#stage, tool: () => tool, resizeBrush: () => {}, signal: new AbortController().signal });
    host.style.cursor = tool.cursor;
  }

  /**
   * @param {ReviewedMask | null} reviewed
   * @returns {Promise<boolean>} false when something else was shown in the meantime
   */
  async show(reviewed) {
    const isSameImage = reviewed !== null && this.#shown?.image.id === reviewed.image.id;
    this.#shown = reviewed;
    this.#pins = [];
    this.#others = [];
    if (!isSameImage) this.#stage.show(null);
    this.#draw();
    if (!reviewed) return true;
    const picture = await this.#picture(reviewed.image);
    if (this.#shown !== reviewed) return false;
    if (this.#stage.picture !== picture) this.#stage.show(picture);
    this.#draw();
    this.zoomToMask();
    return true;
  }

  /** @param {readonly Pin[]} pins */
  setPins(pins) {
    this.#pins = pins;
    this.#draw();
  }

  zoomToMask() {
    const box = this.#shown?.mask.bbox;
    if (box) this.#stage.zoomTo(/** @type {[number, number, number, number]} */ (/** @type {unknown} */ (box)));
  }

  fit() {
    this.#stage.fit();
  }

  /** @param {number} factor */
  zoom(factor) {
    this.#stage.zoom(factor);
  }

  /** @param {boolean} hidden  the mask, while a key is held */
  peek(hidden) {
    this.#bench = { ...this.#bench, peek: hidden };
    this.#draw();
  }

  toggleOutline() {
    this.#bench = { ...this.#bench, outlineOnly: !this.#bench.outlineOnly };
    this.#draw();
  }

  /** Shows or hides the other masks of the image. */
  async toggleOthers() {
    const reviewed = this.#shown;
    if (!reviewed) return;
    const hadSome = this.#others.length > 0;
    const { masks } = hadSome ? { masks: [] } : await this.#api.masksOf(reviewed.image.id);
    if (this.#shown !== reviewed) return;
    this.#others = masks.filter((mask) => mask.state === 'accepted' && mask.id !== reviewed.mask.id);
    this.#draw();
  }

  /** @param {ImageFacts} image */
  async prefetch(image) {
    await this.#picture(image);
  }

  #draw() {
    const before = this.#bench;
    const rows = this.#shown ? [...this.#others, this.#shown.mask] : [];
    const { masks } = docFromServer(rows.map((row) => ({ ...row, review: null })));
    const review = { ...UNSENT, pins: this.#pins };
    const doc = { masks: masks.map((mask) => (mask.id === this.#shown?.mask.id ? { ...mask, review } : mask)), current: null };
    const image = this.#shown && { ...this.#shown.image, fileUrl: this.#shown.image.file_url };
    this.#bench = { ...before, history: newHistory(doc), image, selected: this.#others.length ? (this.#shown?.mask.id ?? null) : null };
    this.#stage.follow(this.#bench, before);
  }

  /**
   * @param {ImageFacts} image
   * @returns {Promise<Picture>}
   */
  #picture(image) {
    const loading = this.#pictures.get(image.id) ?? loadPicture(image, this.#apiBase);
    this.#pictures.delete(image.id);
    this.#pictures.set(image.id, loading);
    loading.catch(() => this.#pictures.delete(image.id));
    for (const id of this.#pictures.keys()) if (this.#pictures.size > PICTURES_KEPT) this.#pictures.delete(id);
    return loading;
  }
}

/**
 * @param {Stage} stage
 * @param {(at: {x: number, y: number}) => void} setPin
 * @returns {import('../../canvas/pointers.js').Tool}
 */
function pinTool(stage, setPin) {
  /** @type {{from: {x: number, y: number}, last: {x: number, y: number}, dragging: boolean} | null} */
  let press = null;
  const rest = () => {
    press = null;
  };
  return {
    cursor: 'crosshair',
    enter: () => {},
    exit: rest,
    down(touch) {
      const from = toScreen(stage.view, touch.at);
      press = { from, last: from, dragging: false };
    },
    move(touch) {
      if (!press) return;
      const at = toScreen(stage.view, touch.at);
      press.dragging ||= Math.hypot(at.x - press.from.x, at.y - press.from.y) > TREMBLE_PX;
      if (press.dragging) stage.pan(at.x - press.last.x, at.y - press.last.y);
      press.last = at;
    },
    up(touch) {
      const isClick = press !== null && !press.dragging && !touch.secondary;
      rest();
      if (isClick) setPin(touch.at);
    },
    cancel: rest,
    leave: () => {},
  };
}
