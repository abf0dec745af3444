// Numbers by round as lines: each line is named at its end, gaps are left where nothing was measured.

import { drawing, fill } from './elements.js';
import { innerWidth, labelled } from './spread_chart.js';

/** @typedef {{name: string, values: readonly (number | null)[]}} Line the first is drawn solid, others dashed */
/**
 * @typedef {object} LineChart
 * @property {readonly string[]} labels one per place
 * @property {readonly Line[]} lines
 * @property {number} top where the axis ends; it begins at 0
 * @property {(value: number) => string} write
 * @property {string} summary what a screen reader says
 * @property {readonly {value: number, label: string}[]} [paper] lines to compare with
 */
/** @typedef {{x: (place: number) => number, y: (value: number) => number, width: number, step: number}} Scales */

const HEIGHT = 220;
const TOP = 16;
const BOTTOM = 184;
const LEFT = 52;
const RIGHT = 96;
const LINE_PX = 14; // between two names at the end

/**
 * Draws into `frame` at its present width.
 * @param {HTMLElement} frame
 * @param {LineChart} chart with at least one place
 */
export function drawLines(frame, chart) {
  const width = Math.max(320, Math.floor(innerWidth(frame)));
  const step = (width - LEFT - RIGHT) / chart.labels.length;
  /** @type {Scales} */
  const scales = {
    width,
    step,
    x: (place) => LEFT + step * (place + 0.5),
    y: (value) => TOP + (BOTTOM - TOP) * (1 - Math.min(Math.max(value, 0), chart.top) / chart.top),
  };
  const picture = drawing('svg', { width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, role: 'img', 'aria-label': chart.summary });
  picture.append(
    ...axis(scales, chart),
    ...(chart.paper ?? []).map((mark) => paperLine(scales, mark)),
    ...chart.lines.map((line, number) => drawLine(scales, line, number)),
    ...chart.lines.flatMap((line) => dots(scales, chart, line)),
    ...names(scales, chart.lines),
    ...placeLabels(scales, chart.labels),
  );
  fill(frame, picture);
}

/** @param {Scales} scales @param {LineChart} chart @returns {SVGElement[]} */
function axis(scales, chart) {
  return [0, chart.top / 2, chart.top].flatMap((value) => [
    drawing('line', { class: 'chart-grid', x1: LEFT, x2: scales.width - RIGHT, y1: scales.y(value), y2: scales.y(value) }),
    drawing('text', { class: 'chart-label', x: LEFT - 8, y: scales.y(value) + 4, 'text-anchor': 'end' }, chart.write(value)),
  ]);
}

/** @param {Scales} scales @param {{value: number, label: string}} mark @returns {SVGElement} */
function paperLine(scales, { value, label }) {
  const y = scales.y(value);
  return drawing(
    'g',
    {},
    drawing('line', { class: 'chart-paper', x1: LEFT, x2: scales.width - RIGHT, y1: y, y2: y }),
    drawing('text', { class: 'chart-label', x: scales.width - RIGHT + 6, y: y + 4 }, label),
  );
}

/** @param {Scales} scales @param {Line} line @param {number} number @returns {SVGElement} */
function drawLine(scales, line, number) {
  const points = line.values.flatMap((value, place) => (value === null ? [] : [`${scales.x(place)},${scales.y(value)}`]));
  return drawing('polyline', { class: 'chart-median', points: points.join(' '), 'stroke-dasharray': number === 0 ? null : '5 4' });
}

/** @param {Scales} scales @param {LineChart} chart @param {Line} line @returns {SVGElement[]} */
function dots(scales, chart, line) {
  return line.values.flatMap((value, place) => {
    if (value === null) return [];
    const told = drawing('title', {}, `${chart.labels[place]}: ${chart.write(value)}${line.name ? `, ${line.name}` : ''}`);
    return [drawing('circle', { class: 'chart-dot', cx: scales.x(place), cy: scales.y(value), r: 4.5 }, told)];
  });
}

/**
 * The names stand where their lines end, apart from each other, the highest line first.
 * @param {Scales} scales @param {readonly Line[]} lines @returns {SVGElement[]}
 */
function names(scales, lines) {
  const ends = lines
    .filter((line) => line.name !== '' && line.values.some((value) => value !== null))
    .map((line) => ({ name: line.name, y: scales.y(line.values.findLast((value) => value !== null) ?? 0) }))
    .sort((a, b) => a.y - b.y);
  let free = -Infinity;
  return ends.map(({ name, y }) => {
    const at = Math.max(y, free);
    free = at + LINE_PX;
    return drawing('text', { class: 'chart-label', x: scales.width - RIGHT + 6, y: at + 4 }, name);
  });
}

/** @param {Scales} scales @param {readonly string[]} labels @returns {SVGElement[]} */
function placeLabels(scales, labels) {
  return labelled(labels.length, scales.step).map((place) =>
    drawing('text', { class: 'chart-label', x: scales.x(place), y: HEIGHT - 8, 'text-anchor': 'middle' }, labels[place]),
  );
}
