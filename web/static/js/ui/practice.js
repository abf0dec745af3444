/**
 * How close a practice image came to its known masks, object by object; a row shows where on the image.
 *
 * @typedef {import('../api/types.js').PracticeResult} PracticeResult
 * @typedef {import('../api/types.js').PractisedObject} PractisedObject
 * @typedef {import('../state/workbench.js').Workbench} Workbench
 * @typedef {import('../state/workbench.js').Difference} Difference
 * @typedef {import('../canvas/stage.js').Picture} Picture
 * @typedef {import('../geometry/types.js').Box} Box
 * @typedef {import('../geometry/types.js').MaskRaster} MaskRaster
 *
 * @typedef {object} Seen  an object with its pixels
 * @property {PractisedObject} object
 * @property {MaskRaster} shape  the known mask, else one's own
 * @property {Box} box  of both
 * @property {Difference} difference  from one's own to the known one
 */
import { drawThumbnail } from '../canvas/thumbnail.js';
import { shapeOfMask } from '../drawing/shape.js';
import { hull } from '../geometry/boxes.js';
import { areaOf, emptyMask, subtract } from '../geometry/raster.js';
import { PALETTE } from '../state/colors.js';
import { rasterOf } from '../state/rasters.js';
import { docOf, sizeOf } from '../state/workbench.js';
import { make, setAttributes } from './elements.js';

const SIDE_PX = 44;

/**
 * @param {object} options
 * @param {HTMLElement} options.host
 * @param {(assignment: string) => Promise<PracticeResult>} options.read
 * @param {() => Picture | null} options.picture
 * @param {(difference: Difference, box: Box) => void} options.see  on the image
 * @param {() => void} options.tryAgain
 * @param {() => void} options.goOn
 * @returns {(bench: Workbench) => void}
 */
export function practiceResult({ host, read, picture, see, tryAgain, goOn }) {
  const words = make('div', { class: 'practice-words', attributes: { tabindex: '0', role: 'region', 'aria-label': 'Object by object' } });
  const acts = make(
    'div',
    { class: 'practice-acts' },
    make('button', { class: 'button', text: 'Try again', attributes: { type: 'button' }, on: { click: tryAgain } }),
    make('button', { class: 'button button-primary', text: 'Next image', attributes: { type: 'button' }, on: { click: goOn } }),
  );
  host.append(make('div', { class: 'panel-head' }, make('h2', { class: 'panel-heading', text: 'How close you came', attributes: { id: 'practice-heading' } })), words, acts);
  /** @type {{assignment: string | null}} */
  const shown = { assignment: null };

  return (bench) => {
    const { practised: assignment } = bench;
    host.hidden = assignment === null;
    if (shown.assignment === assignment) return;
    shown.assignment = assignment;
    if (assignment !== null) void show(assignment, bench);
  };

  /**
   * @param {string} assignment
   * @param {Workbench} bench
   */
  async function show(assignment, bench) {
    words.replaceChildren(make('p', { text: 'Comparing your masks.', attributes: { role: 'status' } }));
    try {
      const result = await read(assignment);
      if (shown.assignment === assignment) draw(result, bench);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      words.replaceChildren(make('p', { text: `It could not be compared: ${reason}`, attributes: { role: 'alert' } }));
    }
  }

  /**
   * @param {PracticeResult} result
   * @param {Workbench} bench
   */
  function draw(result, bench) {
    const list = make('ol', { class: 'practice-list' });
    result.objects.forEach((object, place) => list.append(row(seen(object, bench), place)));
    words.replaceChildren(...summary(result), list, ...legend());
  }

  /**
   * @param {Seen} one
   * @param {number} place
   */
  function row(one, place) {
    const canvas = make('canvas', { class: 'mask-thumbnail', attributes: { 'aria-hidden': 'true' } });
    const shot = picture();
    if (shot) drawThumbnail({ canvas, picture: shot, shape: shapeOfMask(one.shape), color: PALETTE[place % PALETTE.length], side: SIDE_PX });
    const [title, ...details] = wordsOf(one);
    const about = make('span', { class: 'mask-words' }, make('span', { class: 'mask-title', text: `${place + 1}. ${title}` }), ...details.map((text) => make('span', { class: 'practice-detail', text })));
    const button = make('button', { class: 'practice-object', title: 'Show it on the image', attributes: { type: 'button', 'aria-pressed': 'false' } }, canvas, about);
    button.addEventListener('click', () => {
      for (const other of words.querySelectorAll('[aria-pressed]')) setAttributes(other, { 'aria-pressed': String(other === button) });
      see(one.difference, one.box);
    });
    return make('li', {}, button);
  }
}

/**
 * @param {PractisedObject} object
 * @param {Workbench} bench
 * @returns {Seen}
 */
function seen(object, bench) {
  const { width, height } = sizeOf(bench);
  const own = docOf(bench).masks.find((mask) => mask.id === object.mask);
  const mine = own ? rasterOf(own.rle) : emptyMask(width, height);
  const known = object.rle ? rasterOf(object.rle) : emptyMask(width, height);
  return {
    object,
    shape: object.rle ? known : mine,
    box: hull(mine.box, known.box),
    difference: { filled: subtract(known, mine), dropped: subtract(mine, known) },
  };
}

/**
 * @param {Seen} one
 * @returns {string[]} a title and details
 */
function wordsOf({ object, shape, difference }) {
  if (object.mask === null) return ['Missed', 'No mask of yours is like this one.'];
  if (object.iou === null || object.boundary_iou === null) return ['Extra', 'None of the known masks is like it. It may be right: ask if you think so.'];
  const share = (/** @type {MaskRaster} */ part) => percent(areaOf(part) / areaOf(shape));
  return [
    `IoU ${ratio(object.iou)} · edges ${ratio(object.boundary_iou)}`,
    object.iou === 1 ? 'The very same.' : `${share(difference.filled)} missing, ${share(difference.dropped)} too much`,
  ];
}

/** @param {PracticeResult} result */
function summary({ num_found: found, num_missed: missed, num_extra: extra, mean_iou: iou, mean_boundary_iou: edges }) {
  const figures = [
    ['found', `${found} of ${found + missed}`],
    ['extra', String(extra)],
    ['IoU', iou === null ? '–' : ratio(iou)],
    ['edges', edges === null ? '–' : ratio(edges)],
  ].map(([term, value]) => make('div', {}, make('dt', { text: term }), make('dd', { text: value })));
  return [make('dl', { class: 'practice-figures' }, ...figures)];
}

function legend() {
  return [
    make(
      'p',
      { class: 'practice-legend' },
      'On the image: ',
      make('span', { class: 'practice-missing', text: 'missing in yours' }),
      ', ',
      make('span', { class: 'practice-surplus', text: 'too much in yours' }),
      '. IoU looks at whole masks; edges (boundary IoU) only at a narrow band along their borders, where zooming in pays. 1 is the very same.',
    ),
    make('p', { class: 'practice-legend', text: 'Nothing of this counts, and only you see it.' }),
  ];
}

/** Rounded down, so that only the very same is 1. @param {number} value */
const ratio = (value) => (Math.floor(value * 100) / 100).toFixed(2);

/** @param {number} share */
const percent = (share) => (share > 0 && share < 0.005 ? 'under 1 %' : `${Math.round(share * 100)} %`);
