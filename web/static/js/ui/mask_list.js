/**
 * The panel on the right: how masks are shown, and the masks of this image in the order they were made.
 *
 * @typedef {import('../state/workbench.js').Workbench} Workbench
 * @typedef {import('../state/types.js').Mask} Mask
 * @typedef {import('../canvas/stage.js').Picture} Picture
 *
 * @typedef {object} MaskListActs
 * @property {(command: string) => void} run
 * @property {(id: string | null) => void} hover
 * @property {(id: string) => void} select
 * @property {(id: string) => void} refine
 * @property {(id: string) => void} hide  or show
 * @property {(id: string) => void} remove
 * @property {(change: Partial<Workbench>) => void} setView
 */
import { drawThumbnail } from '../canvas/thumbnail.js';
import { cssColor, PALETTE } from '../state/colors.js';
import { isSentBack } from '../state/masks.js';
import { rasterOf } from '../state/rasters.js';
import { reasonText } from '../state/reject_reasons.js';
import { docOf, FIRST } from '../state/workbench.js';
import { iconButton, withCap } from './controls.js';
import { make, setAttributes, setText } from './elements.js';
import { icon } from './icons.js';
import { capOf, keyWords } from './keymap.js';

const SIDE_PX = 44;

/** @type {Readonly<Record<Workbench['sort'], string>>} */
const SORTS = { order: 'As made', area: 'Largest first', newest: 'Newest first' };

/**
 * @param {object} options
 * @param {HTMLElement} options.host
 * @param {MaskListActs} options.acts
 * @param {() => Picture | null} options.picture
 * @returns {(bench: Workbench) => void}
 */
export function maskList({ host, acts, picture }) {
  const count = make('span', { class: 'panel-count' });
  const heading = make('h2', { class: 'panel-heading', text: 'Masks' }, ' ', count);
  const close = iconButton({ command: 'panel', run: acts.run, class: 'panel-close' });
  const sliders = [
    viewSlider('opacity', 'Opacity', { least: 0, most: 100 }, (opacity) => acts.setView({ opacity, outlineOnly: false })),
    viewSlider('brightness', 'Brightness', { least: 50, most: 200 }, (brightness) => acts.setView({ brightness })),
    viewSlider('contrast', 'Contrast', { least: 50, most: 200 }, (contrast) => acts.setView({ contrast })),
  ];
  const view = make('div', { class: 'panel-view' }, ...sliders.map((slider) => slider.row));
  const list = make('ol', { class: 'mask-list', attributes: { 'aria-label': 'Masks in the order they were made' } });
  const empty = emptyList();
  const sort = make(
    'select',
    { class: 'panel-sort', attributes: { 'aria-label': 'Order of the list' }, on: { change: () => acts.setView({ sort: /** @type {Workbench['sort']} */ (sort.value) }) } },
    ...Object.entries(SORTS).map(([value, text]) => make('option', { text, attributes: { value } })),
  );
  host.append(make('div', { class: 'panel-head' }, heading, sort, close), view, list, empty.box);

  /** @type {Map<string, {row: HTMLLIElement, mask: Mask | null, show: (mask: Mask, bench: Workbench, place: number) => void}>} */
  const rows = new Map();
  /** @type {{picture: Picture | null, bench: Workbench | null}} */
  const drawn = { picture: null, bench: null };

  return (bench) => {
    if (drawn.bench && drawn.picture === picture() && looksSame(drawn.bench, bench)) return;
    drawn.bench = bench;
    const { masks } = docOf(bench);
    const places = new Map(masks.map((mask, place) => [mask, place]));
    const listed = sorted(masks, bench.sort);
    sort.value = bench.sort;
    for (const slider of sliders) slider.show(bench);
    setText(count, String(masks.length));
    empty.box.hidden = masks.length > 0 || bench.image === null;
    empty.show(bench);
    list.hidden = masks.length === 0;
    if (drawn.picture !== picture()) {
      drawn.picture = picture();
      rows.clear();
      list.replaceChildren();
    }
    const gone = new Set(rows.keys());
    listed.forEach((mask, at) => {
      gone.delete(mask.id);
      const entry = rows.get(mask.id) ?? newRow(mask.id, acts, picture);
      rows.set(mask.id, entry);
      entry.show(mask, bench, places.get(mask) ?? at);
      if (list.children[at] !== entry.row) list.insertBefore(entry.row, list.children[at] ?? null);
    });
    for (const id of gone) {
      rows.get(id)?.row.remove();
      rows.delete(id);
    }
  };
}

/**
 * @param {readonly Mask[]} masks
 * @param {Workbench['sort']} sort
 * @returns {readonly Mask[]}
 */
function sorted(masks, sort) {
  if (sort === 'area') return [...masks].sort((a, b) => b.area - a.area);
  return sort === 'newest' ? [...masks].reverse() : masks;
}

/**
 * A pointer that moves changes the state many times a second, the list hardly ever.
 *
 * @param {Workbench} a
 * @param {Workbench} b
 */
function looksSame(a, b) {
  return (
    docOf(a).masks === docOf(b).masks &&
    docOf(a).current?.id === docOf(b).current?.id &&
    a.hovered === b.hovered &&
    a.image === b.image &&
    a.selected === b.selected &&
    a.opacity === b.opacity &&
    a.brightness === b.brightness &&
    a.contrast === b.contrast &&
    a.hidden === b.hidden &&
    a.sort === b.sort &&
    a.keys === b.keys
  );
}

/**
 * @param {'opacity' | 'brightness' | 'contrast'} name
 * @param {string} words
 * @param {{least: number, most: number}} range  percent
 * @param {(share: number) => void} set
 */
function viewSlider(name, words, { least, most }, set) {
  const slider = make('input', {
    attributes: { type: 'range', min: String(least), max: String(most), step: '5', id: name },
    on: { input: () => set(Number(slider.value) / 100), dblclick: () => set(FIRST[name]) },
  });
  const number = make('output', { class: 'panel-number', attributes: { for: name } });
  const label = make('label', { text: words, title: 'Double-click the slider to set it back', attributes: { for: name } });
  return {
    row: make('div', { class: 'panel-slider' }, label, slider, number),
    /** @param {Workbench} bench */
    show(bench) {
      const percent = String(Math.round(bench[name] * 100));
      if (slider.value !== percent) slider.value = percent;
      setText(number, `${percent} %`);
    },
  };
}

function emptyList() {
  const words = make('p');
  return {
    box: make('div', { class: 'panel-empty' }, make('p', { class: 'panel-empty-title', text: 'No masks yet' }), words),
    /** @param {Workbench} bench */
    show({ keys }) {
      setText(words, `Click an object in the image, then press ${keyWords(keys, 'accept')}. It appears here.`);
    },
  };
}

/**
 * @param {string} id
 * @param {MaskListActs} acts
 * @param {() => Picture | null} picture
 */
function newRow(id, acts, picture) {
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
  /** @type {{row: HTMLLIElement, mask: Mask | null, show: (mask: Mask, bench: Workbench, place: number) => void}} */
  const entry = { row, mask: null, show };
  return entry;

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
    if (entry.mask === mask || !shown) return;
    entry.mask = mask;
    row.style.setProperty('--mask-color', cssColor(mask.color));
    drawThumbnail({ canvas, picture: shown, mask: rasterOf(mask.rle), color: PALETTE[mask.color % PALETTE.length], side: SIDE_PX });
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
