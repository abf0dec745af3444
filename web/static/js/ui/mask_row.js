/**
 * A mask in the list: its thumbnail, what it is, and what can be done with it.
 *
 * @typedef {import('../state/workbench.js').Workbench} Workbench
 * @typedef {import('../state/types.js').Mask} Mask
 * @typedef {import('../canvas/stage.js').Picture} Picture
 * @typedef {import('./mask_list.js').MaskListActs} MaskListActs
 */
import { drawThumbnail } from '../canvas/thumbnail.js';
import { shapeOfMask } from '../drawing/shape.js';
import { cssColor, PALETTE } from '../state/colors.js';
import { isSentBack } from '../state/masks.js';
import { rasterOf } from '../state/rasters.js';
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
 * @returns {{element: HTMLLIElement, show: (mask: Mask, bench: Workbench, place: number) => void}}
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
   * @param {number} place
   */
  function show(mask, bench, place) {
    const inHand = docOf(bench).current?.id === id;
    setText(title, `Mask ${place + 1}`);
    setAttributes(refine, { title: withCap('Open again to refine', capOf(bench.keys, 'refine')) });
    const isHidden = bench.hidden.has(id);
    setAttributes(hide, { title: withCap(isHidden ? 'Show it again' : 'Hide', capOf(bench.keys, 'hide')), 'aria-pressed': String(isHidden) });
    setAttributes(remove, { title: withCap('Delete', capOf(bench.keys, 'delete')) });
    setText(detail, inHand ? 'In hand' : detailOf(mask));
    setText(remarks, remarksOf(mask));
    const words = [`Mask ${place + 1}`, detailOf(mask), remarksOf(mask)].filter(Boolean);
    setAttributes(choose, { 'aria-pressed': String(bench.selected === id), 'aria-label': words.join(', ') });
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
    drawThumbnail({ canvas, picture: shown, shape: shapeOfMask(rasterOf(mask.rle)), color: PALETTE[mask.color % PALETTE.length], side: SIDE_PX });
  }
}

/** @param {Mask} mask */
function detailOf(mask) {
  const size = `${mask.area.toLocaleString('en')} px`;
  if (isSentBack(mask)) return `Sent back: ${reasonText(mask.review?.reason ?? '')}`;
  if (mask.state === 'accepted' && mask.steps[0]?.kind === 'imported') return `Imported · ${size}`;
  if (mask.givenUp) return `Given up · ${size}`;
  return mask.state === 'draft' ? `Draft · ${size}` : size;
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
