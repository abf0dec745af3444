// Two rows of bars over the same hours: masks above, images below.

import { drawing, fill } from './elements.js';
import { counted, hourOf, whole } from './format.js';
import { innerWidth, labelled } from './spread_chart.js';

/** @typedef {import('../api/types.js').HourRow} HourRow */
/** @typedef {{key: 'masks' | 'images', style: string, top: number, bottom: number}} Band */

const HEIGHT = 220;
const LEFT = 60;
const RIGHT = 12;
/** @type {Band[]} */
const BANDS = [
  { key: 'masks', style: 'chart-masks', top: 12, bottom: 112 },
  { key: 'images', style: 'chart-images', top: 134, bottom: 188 },
];

/**
 * Draws the hours into `frame` at its present width.
 * @param {HTMLElement} frame
 * @param {readonly HourRow[]} hours oldest first, at least one
 */
export function drawHours(frame, hours) {
  const width = Math.max(320, Math.floor(innerWidth(frame)));
  const step = (width - LEFT - RIGHT) / hours.length;
  const picture = drawing('svg', { width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, role: 'img', 'aria-label': summary(hours) });
  picture.append(...BANDS.flatMap((band) => drawBand(band, hours, step, width)));
  picture.append(
    ...labelled(hours.length, step).map((index) =>
      drawing('text', { class: 'chart-label', x: LEFT + step * (index + 0.5), y: HEIGHT - 8, 'text-anchor': 'middle' }, hourOf(hours[index].until)),
    ),
  );
  fill(frame, picture);
}

/** @param {readonly HourRow[]} hours @returns {string} */
function summary(hours) {
  const masks = hours.reduce((sum, hour) => sum + hour.masks, 0);
  const images = hours.reduce((sum, hour) => sum + hour.images, 0);
  return `${counted(masks, 'mask')} and ${counted(images, 'image')} in the last ${hours.length} hours.`;
}

/** @param {Band} band @param {readonly HourRow[]} hours @param {number} step @param {number} width @returns {SVGElement[]} */
function drawBand({ key, style, top, bottom }, hours, step, width) {
  const most = Math.max(...hours.map((hour) => hour[key]), 1);
  const bars = hours.map((hour, index) => {
    const height = ((bottom - top) * hour[key]) / most;
    const bar = drawing('rect', { class: style, x: LEFT + step * (index + 0.12), y: bottom - height, width: step * 0.76, height });
    bar.append(drawing('title', {}, `the hour until ${hourOf(hour.until)}: ${counted(hour.masks, 'mask')}, ${counted(hour.images, 'image')}, ${counted(hour.people, 'person', 'people')}`));
    return bar;
  });
  return [
    ...bars,
    drawing('line', { class: 'chart-grid', x1: LEFT, x2: width - RIGHT, y1: bottom, y2: bottom }),
    drawing('text', { class: 'chart-label', x: LEFT - 8, y: bottom, 'text-anchor': 'end' }, key),
    drawing('text', { class: 'chart-label', x: LEFT - 8, y: top + 8, 'text-anchor': 'end' }, whole(most)),
  ];
}
