/**
 * What stands beside the picture: facts, earlier decisions, pins, and the reasons of a rejection.
 *
 * @typedef {import('../../api/types.js').ReviewedMask} ReviewedMask
 * @typedef {import('../../state/types.js').Pin} Pin
 */
import { REJECT_REASONS, reasonText } from '../../state/reject_reasons.js';
import { byId, chip, element, fill } from '../../widgets/elements.js';
import { FINDINGS } from './findings.js';
import { decimal, moment, whole } from '../../widgets/format.js';

/** @type {Record<string, {text: string, tone: 'ok' | 'film' | 'danger'}>} */
const OUTCOMES = {
  accepted: { text: 'Accepted', tone: 'ok' },
  fixed: { text: 'Fixed', tone: 'film' },
  rejected: { text: 'Rejected', tone: 'danger' },
};
const MOST_PINS = 20;

export class ReviewForm {
  /** @type {Pin[]} */
  #pins = [];
  /** @type {string | null} */
  #reason = null;
  #onPins;

  /**
   * @param {object} options
   * @param {(pins: readonly Pin[]) => void} options.onPins  they changed
   * @param {() => void} options.onReason  one was chosen
   */
  constructor({ onPins, onReason }) {
    this.#onPins = onPins;
    REJECT_REASONS.forEach(({ id, label }, place) => {
      const button = element('button', { type: 'button', class: 'reason', 'aria-pressed': 'false', 'data-reason': id }, element('kbd', {}, place + 1), ' ', label);
      button.addEventListener('click', () => {
        this.choose(id);
        onReason();
      });
      byId('reasons', HTMLElement).append(button);
    });
  }

  /** @returns {string | null} */
  get reason() {
    return this.#reason;
  }

  get note() {
    return byId('note', HTMLTextAreaElement).value.trim();
  }

  /** @returns {Pin[]} */
  get pins() {
    return this.#pins.map((pin) => ({ ...pin, note: pin.note.trim() }));
  }

  /** @returns {boolean} whether the reasons are open */
  get isRejecting() {
    return !byId('rejecting', HTMLElement).hidden;
  }

  /** @param {boolean} open */
  openReasons(open) {
    byId('rejecting', HTMLElement).hidden = !open;
    byId('reject', HTMLElement).setAttribute('aria-expanded', String(open));
  }

  /** @param {string | null} reason */
  choose(reason) {
    this.#reason = reason;
    for (const button of byId('reasons', HTMLElement).children) {
      button.setAttribute('aria-pressed', String(button instanceof HTMLElement && button.dataset.reason === reason));
    }
    byId('send-back', HTMLButtonElement).disabled = reason === null;
  }

  /** @param {{x: number, y: number}} at */
  addPin(at) {
    if (this.#pins.length >= MOST_PINS) return;
    this.#pins.push({ x: at.x, y: at.y, note: '' });
    this.#showPins();
    const inputs = byId('pins', HTMLElement).querySelectorAll('input');
    inputs[inputs.length - 1].focus();
  }

  /** @param {ReviewedMask} reviewed */
  show({ mask, image, author_name: author, reviews, findings }) {
    this.#pins = [];
    this.openReasons(false);
    this.choose(null);
    byId('note', HTMLTextAreaElement).value = '';
    this.#showPins();
    byId('image-name', HTMLElement).textContent = image.name;
    byId('mask-facts', HTMLElement).textContent = factsOf(mask, author);
    fill(byId('findings', HTMLElement), ...findings.map((one) => chip(FINDINGS[one], 'film')));
    byId('findings', HTMLElement).hidden = findings.length === 0;
    fill(byId('past', HTMLElement), ...reviews.map((review) => pastReview(review, mask.version)));
    byId('past-part', HTMLElement).hidden = reviews.length === 0;
  }

  #showPins() {
    fill(byId('pins', HTMLElement), ...this.#pins.map((pin, place) => this.#pinRow(pin, place)));
    this.#onPins(this.#pins);
  }

  /**
   * @param {Pin} pin
   * @param {number} place
   */
  #pinRow(pin, place) {
    const words = element('input', { type: 'text', maxlength: '500', value: pin.note, 'aria-label': `What is wrong at pin ${place + 1}`, placeholder: 'What is wrong here', autocomplete: 'off' });
    words.addEventListener('input', () => (pin.note = words.value));
    const remove = element('button', { type: 'button', class: 'button button-quiet button-small', 'aria-label': `Remove pin ${place + 1}` }, 'Remove');
    remove.addEventListener('click', () => {
      this.#pins.splice(place, 1);
      this.#showPins();
    });
    return element('li', { class: 'pin-row' }, element('span', { class: 'pin-number', 'aria-hidden': 'true' }, place + 1), words, remove);
  }
}

/**
 * @param {import('../../api/types.js').StoredMask} mask
 * @param {string} author
 */
function factsOf(mask, author) {
  const parts = [author ? `by ${author}` : 'imported', `${whole(mask.area)} px`];
  if (mask.predicted_iou !== null) parts.push(`predicted IoU ${decimal(mask.predicted_iou, 2)}`);
  return parts.join(' · ');
}

/**
 * @param {import('../../state/types.js').Review & {reviewer: string}} review
 * @param {number} version  of the mask now
 */
function pastReview(review, version) {
  const { text, tone } = OUTCOMES[review.outcome];
  const about = review.version === version ? '' : ', an earlier version';
  const words = [review.reason && reasonText(review.reason), review.note, ...review.pins.map((pin) => pin.note)].filter(Boolean).join(' · ');
  const fixed = review.iou === null ? '' : ` · IoU before and after ${decimal(review.iou, 2)}`;
  return element(
    'li',
    { class: 'past-review' },
    element('p', { class: 'row small' }, chip(text, tone), element('span', { class: 'quiet' }, `${review.reviewer}, ${moment(review.at)}${about}${fixed}`)),
    words ? element('p', { class: 'small' }, words) : null,
  );
}
