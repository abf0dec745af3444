// A number per place on a line, its spread above it, how many it stands for below it, beside the paper's figures.

import { drawing, fill } from './elements.js';

/**
 * One place: a day, a model version.
 * @typedef {object} Place
 * @property {string} label
 * @property {string} tooltip
 * @property {number} count what the number stands for
 * @property {number | null} middle
 * @property {number | null} [upper]
 * @property {number} [step] how far along the paper's line
 */

/**
 * @typedef {object} Look
 * @property {string} unit behind the numbers of the axis, say ' s'
 * @property {string} counted what `count` counts
 * @property {string} summary for screen readers
 * @property {number} least what the axis reaches at least
 * @property {{first: number, last: number, steps: number | null}} paper its first and last figure: two levels
 *   without `steps`, else one line that gets from first to last in so many steps
 */

/** @typedef {{x: (place: number) => number, y: (value: number) => number, bar: (count: number) => number, top: number, width: number, step: number}} Scales */

const HEIGHT = 300;
const BAR_TOP = 222;
const BAR_BOTTOM = 272;
const TOP = 16;
const LEFT = 52;
const RIGHT = 76;
const LABEL_PX = 64;

/**
 * Draws the places into `frame` at its present width.
 * @param {HTMLElement} frame
 * @param {readonly Place[]} places at least one
 * @param {Look} look
 */
export function drawSpreads(frame, places, look) {
  const width = Math.max(320, Math.floor(innerWidth(frame)));
  const scales = scalesFor(places, look, width);
  const picture = drawing('svg', { width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, role: 'img', 'aria-label': look.summary });
  picture.append(
    ...axis(scales, look),
    ...paper(scales, places, look),
    ...places.map((place, index) => bars(scales, place, index)),
    middleLine(scales, places),
    ...places.map((place, index) => marker(scales, place, index)),
    ...labels(scales, places),
    drawing('text', { class: 'chart-label', x: LEFT - 8, y: BAR_BOTTOM - 2, 'text-anchor': 'end' }, look.counted),
  );
  fill(frame, picture);
}

/** @param {HTMLElement} frame @returns {number} */
export function innerWidth(frame) {
  const padding = getComputedStyle(frame);
  return frame.clientWidth - parseFloat(padding.paddingLeft) - parseFloat(padding.paddingRight);
}

/**
 * Places whose labels have room: always the last one.
 * @param {number} count @param {number} step pixels from one to the next
 * @returns {number[]}
 */
export function labelled(count, step) {
  const every = Math.max(1, Math.ceil(LABEL_PX / step));
  return Array.from({ length: count }, (_, index) => index).filter((index) => (count - 1 - index) % every === 0);
}

/** @param {readonly Place[]} places @param {Look} look @param {number} width @returns {Scales} */
function scalesFor(places, look, width) {
  const found = places.flatMap((place) => [place.middle ?? 0, place.upper ?? 0]);
  const top = Math.min(3 * look.least, Math.max(look.least, Math.ceil(Math.max(...found) / 10) * 10));
  const most = Math.max(...places.map((place) => place.count), 1);
  const step = (width - LEFT - RIGHT) / places.length;
  return {
    width,
    step,
    top,
    x: (index) => LEFT + step * (index + 0.5),
    y: (value) => TOP + (BAR_TOP - 26 - TOP) * (1 - Math.min(value, top) / top),
    bar: (count) => ((BAR_BOTTOM - BAR_TOP) * count) / most,
  };
}

/** @param {Scales} scales @param {Look} look @returns {SVGElement[]} */
function axis(scales, look) {
  return [0, scales.top / 2, scales.top].flatMap((value) => [
    drawing('line', { class: 'chart-grid', x1: LEFT, x2: scales.width - RIGHT, y1: scales.y(value), y2: scales.y(value) }),
    drawing('text', { class: 'chart-label', x: LEFT - 8, y: scales.y(value) + 4, 'text-anchor': 'end' }, value === 0 ? '0' : `${value}${look.unit}`),
  ]);
}

/** @param {Scales} scales @param {readonly Place[]} places @param {Look} look @returns {SVGElement[]} */
function paper(scales, places, { paper: { first, last, steps }, unit }) {
  if (steps === null) return [first, last].map((value) => paperLine(scales, [value, value], [LEFT, scales.width - RIGHT], `${value}${unit}`));
  const ends = places.map(({ step = 0 }) => first + ((last - first) * Math.min(step, steps)) / steps);
  const turns = ends.map((value, index) => ({ value, x: scales.x(index) }));
  const points = [{ value: ends[0], x: LEFT }, ...turns, { value: ends[ends.length - 1], x: scales.width - RIGHT }];
  const label = `${Math.round(ends[ends.length - 1])}${unit}`;
  return [paperLine(scales, points.map(({ value }) => value), points.map(({ x }) => x), label)];
}

/** @param {Scales} scales @param {number[]} values @param {number[]} xs @param {string} label at the end @returns {SVGElement} */
function paperLine(scales, values, xs, label) {
  const points = values.map((value, index) => `${xs[index]},${scales.y(value)}`).join(' ');
  return drawing(
    'g',
    {},
    drawing('polyline', { class: 'chart-paper', points }),
    drawing('text', { class: 'chart-label', x: scales.width - RIGHT + 6, y: scales.y(values[values.length - 1]) + 4 }, `${label} paper`),
  );
}

/** @param {Scales} scales @param {Place} place @param {number} index @returns {SVGElement} */
function bars(scales, place, index) {
  const width = Math.min(28, scales.step * 0.7);
  const height = scales.bar(place.count);
  const group = drawing('g', {}, drawing('title', {}, place.tooltip));
  group.append(drawing('rect', { class: 'chart-masks', x: scales.x(index) - width / 2, y: BAR_BOTTOM - height, width, height: Math.max(1, height) }));
  const { middle, upper = null } = place;
  if (middle !== null && upper !== null) {
    const y = scales.y(upper);
    group.append(drawing('rect', { class: 'chart-p90', x: scales.x(index) - width / 4, y, width: width / 2, height: Math.max(1, scales.y(middle) - y), rx: 2 }));
  }
  return group;
}

/** @param {Scales} scales @param {readonly Place[]} places @returns {SVGElement} */
function middleLine(scales, places) {
  const points = places.flatMap(({ middle }, index) => (middle === null ? [] : [`${scales.x(index)},${scales.y(middle)}`]));
  return drawing('polyline', { class: 'chart-median', points: points.join(' ') });
}

/** @param {Scales} scales @param {Place} place @param {number} index @returns {SVGElement} */
function marker(scales, { middle, tooltip }, index) {
  if (middle === null) return drawing('g');
  return drawing('circle', { class: 'chart-dot', cx: scales.x(index), cy: scales.y(middle), r: 4.5 }, drawing('title', {}, tooltip));
}

/** @param {Scales} scales @param {readonly Place[]} places @returns {SVGElement[]} */
function labels(scales, places) {
  return labelled(places.length, scales.step).map((index) =>
    drawing('text', { class: 'chart-label', x: scales.x(index), y: HEIGHT - 8, 'text-anchor': 'middle' }, places[index].label),
  );
}
