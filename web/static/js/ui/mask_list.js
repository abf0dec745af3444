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
import { docOf } from '../state/workbench.js';
import { iconButton } from './controls.js';
import { make, setText } from './elements.js';
import { keyWords } from './keymap.js';
import { maskRow } from './mask_row.js';
import { viewSlider } from './view_slider.js';
import { VirtualRows } from './virtual_rows.js';

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
  const scroller = make('div', { class: 'mask-scroller' }, list);
  const empty = emptyList();
  const sort = make(
    'select',
    { class: 'panel-sort', attributes: { 'aria-label': 'Order of the list' }, on: { change: () => acts.setView({ sort: /** @type {Workbench['sort']} */ (sort.value) }) } },
    ...Object.entries(SORTS).map(([value, text]) => make('option', { text, attributes: { value } })),
  );
  host.append(make('div', { class: 'panel-head' }, heading, sort, close), view, scroller, empty.box);

  /** @type {{picture: Picture | null, bench: Workbench | null, masks: Map<string, {mask: Mask, place: number}>}} */
  const drawn = { picture: null, bench: null, masks: new Map() };
  const rows = new VirtualRows({ list, scroller, make: rowOf });

  return (bench) => {
    if (drawn.bench && drawn.picture === picture() && looksSame(drawn.bench, bench)) return;
    const { masks } = docOf(bench);
    if (drawn.bench === null || docOf(drawn.bench).masks !== masks) drawn.masks = new Map(masks.map((mask, place) => [mask.id, { mask, place }]));
    drawn.bench = bench;
    sort.value = bench.sort;
    for (const slider of sliders) slider.show(bench);
    setText(count, String(masks.length));
    empty.box.hidden = masks.length > 0 || bench.image === null;
    empty.show(bench);
    scroller.hidden = masks.length === 0;
    if (drawn.picture !== picture()) rows.clear();
    drawn.picture = picture();
    rows.show(sorted(masks, bench.sort).map((mask) => mask.id));
  };

  /**
   * @param {string} id
   * @returns {import('./virtual_rows.js').Row}
   */
  function rowOf(id) {
    const { element, show } = maskRow(id, acts, picture);
    return {
      element,
      show() {
        const entry = drawn.masks.get(id);
        const whole = drawn.masks.get(entry?.mask.parent ?? '')?.place ?? null;
        if (entry && drawn.bench) show(entry.mask, drawn.bench, { own: entry.place, whole });
      },
    };
  }
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
