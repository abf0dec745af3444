/**
 * A mask in the list: its thumbnail, what it is, and what can be done with it.
 *
 * @typedef {import('../state/workbench.js').Workbench} Workbench
 * @typedef {import('../state/types.js').Mask} Mask
 * @typedef {import('../canvas/stage.js').Picture} Picture
 * @typedef {import('./mask_list.js').MaskListActs} MaskListActs
 * @typedef {{own: number, whole: number | null}} Places  in the order they were made: of the mask, and of the one that it is a part of
 */
import { drawThumbnail } from '../canvas/thumbnail.js';
import { shapeInBox } from '../drawing/shape.js';
import { cssColor, PALETTE } from '../state/colors.js';
import { isSentBack } from '../state/masks.js';
import { reducedOf } from '../state/rasters.js';
import { reasonText } from '../state/reject_reasons.js';
import { docOf } from '../state/workbench.js';
import { withCap } from './controls.js';
import { make, setAttributes, setText } from './elements.js';
import { icon } from './icons.js';
import { capOf } from './keymap.js';

const SIDE_PX = 44;

/**
 * @param {string} id
 * @param {MaskListActs} acts
 * @param {() => Picture | null} picture
 * @returns {{element: HTMLLIElement, show: (mask: Mask, bench: Workbench, places: Places) => void}}
 */
export function maskRow(id, acts, picture) {
  const canvas = make('canvas', { class: 'mask-thumbnail', attributes: { 'aria-hidden': 'true' } });
  const title = make('span', { class: 'mask-title' });
  const detail = make('span', { class: 'mask-detail' });
  const remarks = make('span', { class: 'mask-remarks' });
  const choose = make(
    'button',
    { class: 'mask-choose', attributes: { type: 'button' }, on: { click: () => acts.select(id), dblclick: () => acts.refine(id) } },
    canvas,
    make('span', { class: 'mask-words' }, title, detail, remarks),
  );
  const refine = rowButton('refine', 'Open again to refine', () => acts.refine(id));
  const hide = rowButton('preview', 'Hide', () => acts.hide(id));
  const remove = rowButton('delete', 'Delete', () => acts.remove(id));
  const row = make(
    'li',
    {
      class: 'mask-row',
      attributes: { 'data-mask': id },
      on: { pointerenter: () => acts.hover(id), pointerleave: () => acts.hover(null), focusin: () => acts.hover(id), focusout: () => acts.hover(null) },
    },
    choose,
    hide,
    refine,
    remove,
  );
  /** @type {{mask: Mask | null}} */
  const drawn = { mask: null };
  return { element: row, show };

  /**
   * @param {Mask} mask
   * @param {Workbench} bench
   * @param {Places} places
   */
  function show(mask, bench, places) {
    const inHand = docOf(bench).current?.id === id;
    const name = nameOf(places.own);
    const words = detailOf(mask, places.whole);
    setText(title, name);
    setAttributes(refine, { title: withCap('Open again to refine', capOf(bench.keys, 'refine')) });
    const isHidden = bench.hidden.has(id);
    setAttributes(hide, { title: withCap(isHidden ? 'Show it again' : 'Hide', capOf(bench.keys, 'hide')), 'aria-pressed': String(isHidden) });
    setAttributes(remove, { title: withCap('Delete', capOf(bench.keys, 'delete')) });
    setText(detail, inHand ? 'In hand' : words);
    setText(remarks, remarksOf(mask));
    const all = [name, words, remarksOf(mask)].filter(Boolean);
    setAttributes(choose, { 'aria-pressed': String(bench.selected === id), 'aria-label': all.join(', ') });
    setAttributes(row, {
      'data-lit': bench.hovered === id ? 'yes' : null,
      'data-selected': bench.selected === id ? 'yes' : null,
      'data-in-hand': inHand ? 'yes' : null,
      'data-hidden': isHidden ? 'yes' : null,
      'data-given-up': mask.givenUp ? 'yes' : null,
      'data-sent-back': isSentBack(mask) ? 'yes' : null,
    });
    const shown = picture();
    if (drawn.mask === mask || !shown) return;
    drawn.mask = mask;
    row.style.setProperty('--mask-color', cssColor(mask.color));
    drawThumbnail({ canvas, picture: shown, shape: shapeInBox(mask.box, (step) => reducedOf(mask.rle, step)), color: PALETTE[mask.color % PALETTE.length], side: SIDE_PX });
  }
}

/** @param {number} place */
const nameOf = (place) => `Mask ${place + 1}`;

/**
 * @param {Mask} mask
 * @param {number | null} whole  place of the mask that it is a part of
 */
function detailOf(mask, whole) {
  if (isSentBack(mask)) return `Sent back: ${reasonText(mask.review?.reason ?? '')}`;
  const told = [originOf(mask), `${mask.area.toLocaleString('en')} px`, whole === null ? '' : `part of ${nameOf(whole).toLowerCase()}`];
  return told.filter(Boolean).join(' · ');
}

/** @param {Mask} mask */
function originOf(mask) {
  if (mask.state === 'accepted' && mask.steps[0]?.kind === 'imported') return 'Imported';
  if (mask.givenUp) return 'Given up';
  return mask.state === 'draft' ? 'Draft' : '';
}

/**
 * @param {Mask} mask
 * @returns {string} what the reviewer wrote, each pin by its number
 */
function remarksOf(mask) {
  if (!mask.review || !isSentBack(mask)) return '';
  const pins = mask.review.pins.map((pin, place) => (pin.note ? `${place + 1}: ${pin.note}` : ''));
  return [mask.review.note, ...pins].filter(Boolean).join(' · ');
}

/**
 * @param {string} drawing
 * @param {string} label
 * @param {() => void} run
 */
function rowButton(drawing, label, run) {
  const button = make('button', {
    class: 'mask-act',
    title: label,
    attributes: { type: 'button', 'aria-label': label },
    on: { click: run },
  });
  button.append(icon(drawing));
  return button;
}
