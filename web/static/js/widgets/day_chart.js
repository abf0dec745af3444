// Seconds per mask, by day or by round, against the paper's first and last figure, with the number of masks below.

import { drawing, fill } from './elements.js';
import { counted, day, decimal } from './format.js';

/** @typedef {{median: number | null, p90: number | null}} Spread */
/** @typedef {{day: string, masks: number, seconds_per_mask: Spread}} DayRow */
/** @typedef {{label: string, masks: number, seconds_per_mask: Spread}} Row */
/** @typedef {{x: (place: number) => number, seconds: (value: number) => number, masks: (count: number) => number, width: number, step: number}} Scales */

export const PAPER_FIRST_S = 34;
export const PAPER_LAST_S = 14;
const HEIGHT = 300;
const BAR_TOP = 222;
const BAR_BOTTOM = 272;
const TOP = 16;
const LEFT = 52;
const RIGHT = 76;
const LABEL_PX = 64;

/**
 * Draws days into `frame` at its present width.
 * @param {HTMLElement} frame
 * @param {readonly DayRow[]} rows oldest first, at least one
 */
export function drawDays(frame, rows) {
  drawSeconds(frame, rows.map((row) => ({ ...row, label: day(row.day) })), 'day');
}

/**
 * Draws rows of any kind into `frame` at its present width.
 * @param {HTMLElement} frame
 * @param {readonly Row[]} rows oldest first, at least one
 * @param {string} kind what a row is, in the singular
 */
export function drawSeconds(frame, rows, kind) {
  const padding = getComputedStyle(frame);
  const room = frame.clientWidth - parseFloat(padding.paddingLeft) - parseFloat(padding.paddingRight);
  const width = Math.max(320, Math.floor(room));
  const scales = scalesFor(rows, width);
  const picture = drawing('svg', { width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, role: 'img', 'aria-label': summary(rows, kind) });
  picture.append(
    ...secondsAxis(scales, rows),
    paperLine(scales, PAPER_FIRST_S, 'paper, first'),
    paperLine(scales, PAPER_LAST_S, 'paper, last'),
    ...rows.map((row, place) => bars(scales, row, place)),
    medianLine(scales, rows),
    ...rows.map((row, place) => marker(scales, row, place)),
    ...rowLabels(scales, rows),
    drawing('text', { class: 'chart-label', x: LEFT - 8, y: BAR_BOTTOM - 2, 'text-anchor': 'end' }, 'masks'),
  );
  fill(frame, picture);
}

/** @param {readonly Row[]} rows @param {string} kind @returns {string} */
function summary(rows, kind) {
  const last = rows[rows.length - 1];
  return `Median seconds per mask over ${counted(rows.length, kind)}; ${last.label}: ${decimal(last.seconds_per_mask.median)} seconds over ${counted(last.masks, 'mask')}.`;
}

/** @param {readonly Row[]} rows @param {number} width @returns {Scales} */
function scalesFor(rows, width) {
  const top = highest(rows);
  const mostMasks = Math.max(...rows.map((row) => row.masks), 1);
  const step = (width - LEFT - RIGHT) / rows.length;
  return {
    width,
    step,
    x: (place) => LEFT + step * (place + 0.5),
    seconds: (value) => TOP + (BAR_TOP - 26 - TOP) * (1 - Math.min(value, top) / top),
    masks: (count) => ((BAR_BOTTOM - BAR_TOP) * count) / mostMasks,
  };
}

/** @param {readonly Row[]} rows @returns {number} a multiple of ten with room for the paper's line */
function highest(rows) {
  const found = rows.flatMap((row) => [row.seconds_per_mask.median ?? 0, row.seconds_per_mask.p90 ?? 0]);
  return Math.min(120, Math.max(40, Math.ceil(Math.max(...found) / 10) * 10));
}

/** @param {Scales} scales @param {readonly Row[]} rows @returns {SVGElement[]} */
function secondsAxis(scales, rows) {
  const top = highest(rows);
  const marks = [0, top / 2, top];
  return marks.flatMap((value) => [
    drawing('line', { class: 'chart-grid', x1: LEFT, x2: scales.width - RIGHT, y1: scales.seconds(value), y2: scales.seconds(value) }),
    drawing('text', { class: 'chart-label', x: LEFT - 8, y: scales.seconds(value) + 4, 'text-anchor': 'end' }, value === 0 ? '0' : `${value} s`),
  ]);
}

/** @param {Scales} scales @param {number} value @param {string} label @returns {SVGElement} */
function paperLine(scales, value, label) {
  const y = scales.seconds(value);
  return drawing(
    'g',
    {},
    drawing('title', {}, `${label}: ${value} seconds per mask`),
    drawing('line', { class: 'chart-paper', x1: LEFT, x2: scales.width - RIGHT, y1: y, y2: y }),
    drawing('text', { class: 'chart-label', x: scales.width - RIGHT + 6, y: y + 4 }, `${value} s paper`),
  );
}

/** @param {Scales} scales @param {Row} row @param {number} place @returns {SVGElement} */
function bars(scales, row, place) {
  const width = Math.min(28, scales.step * 0.7);
  const height = scales.masks(row.masks);
  const { median, p90 } = row.seconds_per_mask;
  const group = drawing('g', {}, drawing('title', {}, tooltip(row)));
  group.append(drawing('rect', { class: 'chart-masks', x: scales.x(place) - width / 2, y: BAR_BOTTOM - height, width, height: Math.max(1, height) }));
  if (median !== null && p90 !== null) {
    const upper = scales.seconds(p90);
    group.append(drawing('rect', { class: 'chart-p90', x: scales.x(place) - width / 4, y: upper, width: width / 2, height: Math.max(1, scales.seconds(median) - upper), rx: 2 }));
  }
  return group;
}

/** @param {Row} row @returns {string} */
function tooltip(row) {
  const { median, p90 } = row.seconds_per_mask;
  return `${row.label}: ${counted(row.masks, 'mask')}, median ${decimal(median)} s, p90 ${decimal(p90)} s`;
}

/** @param {Scales} scales @param {readonly Row[]} rows @returns {SVGElement} */
function medianLine(scales, rows) {
  const points = rows.flatMap((row, place) => (row.seconds_per_mask.median === null ? [] : [`${scales.x(place)},${scales.seconds(row.seconds_per_mask.median)}`]));
  return drawing('polyline', { class: 'chart-median', points: points.join(' ') });
}

/** @param {Scales} scales @param {Row} row @param {number} place @returns {SVGElement} */
function marker(scales, row, place) {
  const median = row.seconds_per_mask.median;
  if (median === null) return drawing('g');
  return drawing('circle', { class: 'chart-dot', cx: scales.x(place), cy: scales.seconds(median), r: 4.5 }, drawing('title', {}, tooltip(row)));
}

/** @param {Scales} scales @param {readonly Row[]} rows @returns {SVGElement[]} */
function rowLabels(scales, rows) {
  const every = Math.max(1, Math.ceil(LABEL_PX / scales.step));
  const shown = rows.map((row, place) => ({ row, place })).filter(({ place }) => (rows.length - 1 - place) % every === 0);
  return shown.map(({ row, place }) => drawing('text', { class: 'chart-label', x: scales.x(place), y: HEIGHT - 8, 'text-anchor': 'middle' }, row.label));
}
