/**
 * The candidates of an ambiguous prompt, small, near the last click.
 *
 * @typedef {import('../state/workbench.js').Workbench} Workbench
 * @typedef {import('../state/types.js').Current} Current
 * @typedef {import('../canvas/stage.js').Stage} Stage
 * @typedef {import('../geometry/types.js').Box} Box
 */
import { drawThumbnail } from '../canvas/thumbnail.js';
import { toScreen } from '../canvas/viewport.js';
import { holds, isEmptyBox, overlap } from '../geometry/boxes.js';
import { shapeOfLogits, shapeOfMask } from '../drawing/shape.js';
import { IN_HAND } from '../state/colors.js';
import { candidateRaster } from '../state/candidates.js';
import { maskOf } from '../state/current.js';
import { currentOf } from '../state/workbench.js';
import { make, setAttributes } from './elements.js';

const SIDE_PX = 60;
const GAP_PX = 10;
const EDGE_PX = 8;
/** How far from the click the strip may be. */
const NEAR_PX = 300;

/** Words for the two answers about a mask that was opened again. */
const ONLY_HERE = { word: 'Only here', title: 'Only the piece at the click changes, the rest of the mask stays as it was' };
const WHOLE = { word: 'Whole', title: 'The whole mask as the model sees it' };

/** Words for the three tokens of the decoder, finest last (sam paper, section 3: whole, part, subpart). */
const GRAIN = ['Mask', 'Fine', 'Middle', 'Whole'];

/**
 * @param {object} options
 * @param {HTMLElement} options.host
 * @param {Stage} options.stage
 * @param {readonly HTMLElement[]} options.beside  what may lie on the stage too
 * @param {HTMLElement} options.foot  the acts at the foot of the image
 * @param {(index: number) => void} options.choose
 * @returns {(bench: Workbench) => void}
 */
export function candidateStrip({ host, stage, beside, foot, choose }) {
  /** What is drawn, beside the mask that was chosen when it came: the strip stays when another is chosen. @type {{candidates: Current['candidates'] | null, beside: Box}} */
  const drawn = { candidates: null, beside: [0, 0, 0, 0] };

  return (bench) => {
    const current = currentOf(bench);
    const shown = current && current.candidates.length > 1 && bench.tool === 'clicks' && !bench.dragBox && !bench.stroke && !bench.dragPoint;
    host.hidden = !shown;
    if (!shown) {
      drawn.candidates = null;
      host.replaceChildren();
      return;
    }
    if (drawn.candidates !== current.candidates) {
      drawn.candidates = current.candidates;
      drawn.beside = maskOf(current, { width: 1, height: 1 }).box;
      host.replaceChildren(...current.candidates.map((candidate, index) => candidateButton(candidate, index)));
    }
    [...host.children].forEach((button, index) => setAttributes(button, { 'aria-pressed': String(index === current.chosen) }));
    place(current);
  };

  /**
   * @param {Current['candidates'][number]} candidate
   * @param {number} index
   */
  function candidateButton(candidate, index) {
    const canvas = make('canvas', { class: 'candidate-thumbnail', attributes: { 'aria-hidden': 'true' } });
    const { word, title } = wordsOf(candidate);
    requestAnimationFrame(() => drawCandidate(canvas, candidate)); // the mask on the stage goes first
    return make(
      'button',
      {
        class: 'candidate',
        title: withMatch(title, candidate),
        attributes: { type: 'button', 'aria-label': word ?? `Candidate ${index + 1}` },
        on: { click: () => choose(index) },
      },
      canvas,
      make('span', { class: 'cap', text: String(index + 1), attributes: { 'aria-hidden': 'true' } }),
      word ? make('span', { class: 'candidate-word', text: word, attributes: { 'aria-hidden': 'true' } }) : null,
    );
  }

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {Current['candidates'][number]} candidate
   */
  function drawCandidate(canvas, candidate) {
    const shape = canvas.isConnected ? shapeOf(candidate) : null;
    if (shape && stage.picture) drawThumbnail({ canvas, picture: stage.picture, shape, color: IN_HAND, side: SIDE_PX });
  }

  /**
   * Beside the mask when that is near the click; else at the foot of the stage, so that it never lies where the
   * next click goes.
   *
   * @param {Current} current
   */
  function place(current) {
    const click = toScreen(stage.view, lastClick(current));
    const strip = { across: host.offsetWidth, down: host.offsetHeight };
    const mask = drawn.beside;
    const from = toScreen(stage.view, { x: mask[0], y: mask[1] });
    const to = toScreen(stage.view, { x: mask[2], y: mask[3] });
    const spots = [
      { x: to.x + GAP_PX, y: click.y - strip.down / 2 },
      { x: click.x - strip.across / 2, y: to.y + GAP_PX },
      { x: from.x - GAP_PX - strip.across, y: click.y - strip.down / 2 },
      { x: click.x - strip.across / 2, y: from.y - GAP_PX - strip.down },
    ];
    const { width, height } = stage.view;
    const floor = foot.hidden ? height - EDGE_PX : boxIn(host.offsetParent, foot)[1] - EDGE_PX;
    const taken = beside.filter((one) => !one.hidden).map((one) => boxIn(host.offsetParent, one));
    const isFree = (/** @type {{x: number, y: number}} */ { x, y }) => {
      const box = /** @type {Box} */ ([x, y, x + strip.across, y + strip.down]);
      return holds([EDGE_PX, EDGE_PX, width - EDGE_PX, floor], box) && taken.every((one) => isEmptyBox(overlap(one, box)));
    };
    const free = spots.filter((spot) => isFree(spot) && Math.abs(spot.x + strip.across / 2 - click.x) + Math.abs(spot.y + strip.down / 2 - click.y) < NEAR_PX);
    const spot = free[0] ?? { x: (width - strip.across) / 2, y: height };
    host.style.left = `${Math.max(EDGE_PX, Math.min(width - strip.across - EDGE_PX, spot.x))}px`;
    host.style.top = `${Math.max(EDGE_PX, Math.min(floor - strip.down, spot.y))}px`;
  }
}

/**
 * @param {Current['candidates'][number]} candidate
 * @returns {{word?: string, title: string}}
 */
function wordsOf({ token, atClickOnly }) {
  if (atClickOnly === undefined) return { title: GRAIN[token] ?? 'Mask' };
  return atClickOnly ? ONLY_HERE : WHOLE;
}

/**
 * @param {string} title
 * @param {Current['candidates'][number]} candidate
 */
const withMatch = (title, { predictedIou }) => (predictedIou === null ? title : `${title}, expected match ${Math.round(100 * predictedIou)} %`);

/**
 * A candidate that nobody chose is small in a thumbnail: its mask is not made for that.
 *
 * @param {Current['candidates'][number]} candidate
 */
function shapeOf(candidate) {
  const { mask, rle, lowRes, frame } = candidate;
  if (!mask && !rle && lowRes && frame) return shapeOfLogits(lowRes, frame);
  const raster = candidateRaster(candidate);
  return raster && shapeOfMask(raster);
}

/**
 * @param {Element | null} outer
 * @param {HTMLElement} inner
 * @returns {Box} where the inner one lies in the outer one
 */
function boxIn(outer, inner) {
  const { left, top, right, bottom } = inner.getBoundingClientRect();
  const from = outer?.getBoundingClientRect() ?? { left: 0, top: 0 };
  return [left - from.left, top - from.top, right - from.left, bottom - from.top];
}

/**
 * @param {Current} current
 * @returns {{x: number, y: number}} image pixels
 */
function lastClick({ points, box }) {
  const point = points.at(-1);
  return point ? { x: point.x + 0.5, y: point.y + 0.5 } : { x: box?.[2] ?? 0, y: box?.[3] ?? 0 };
}
