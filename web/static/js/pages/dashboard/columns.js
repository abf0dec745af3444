// What the dashboard's tables show of a line of numbers.

import { element } from '../../widgets/elements.js';
import { NOTHING, ago, decimal, percent, whole } from '../../widgets/format.js';
import { shareBar, stackedBar } from '../../widgets/number_table.js';

/** @typedef {import('../../api/types.js').Line} Line */
/** @typedef {import('../../widgets/number_table.js').Column<Line>} LineColumn */
/** @typedef {'median_seconds_per_mask' | 'p90_seconds_per_mask' | 'masks_per_active_hour' | 'masks_per_image'} Decimal */

export const PAPER_SECONDS = { first: 34, last: 14 };
export const PAPER_MASKS = { first: 20, last: 44 };
const FEW_CLICKS = 10;
const NOTICEABLE_MS = 500;
const HIGH_RATE = 0.25;

/** @type {{key: 'looking_share' | 'prompting_share' | 'waiting_share' | 'painting_share', title: string, style: string}[]} */
const PHASES = [
  { key: 'looking_share', title: 'Looking', style: 'phase-looking' },
  { key: 'prompting_share', title: 'Prompting', style: 'phase-prompting' },
  { key: 'waiting_share', title: 'Waiting', style: 'phase-waiting' },
  { key: 'painting_share', title: 'Painting', style: 'phase-painting' },
];

/** @param {string} title @param {Decimal} key @returns {LineColumn} */
const number = (title, key) => ({ title, text: (line) => decimal(line[key]) });

/** @type {LineColumn} */
const MASKS = { title: 'Masks', text: (line) => whole(line.masks) };
/** @type {LineColumn} */
const IMAGES = { title: 'Images submitted', text: (line) => whole(line.images_submitted) };
const P90 = number('p90, s', 'p90_seconds_per_mask');
const PER_HOUR = number('Masks per active hour', 'masks_per_active_hour');
const PER_IMAGE = number('Masks per image', 'masks_per_image');

/** @type {LineColumn[]} */
export const DAY_COLUMNS = [MASKS, number('Median, s', 'median_seconds_per_mask'), P90, PER_HOUR, IMAGES, PER_IMAGE];

/** @type {LineColumn} */
const MEDIAN_AGAINST_PAPER = { title: 'Median, s', text: (line) => decimal(line.median_seconds_per_mask), picture: (line) => againstPaper(line.median_seconds_per_mask) };

/** @type {LineColumn[]} */
export const MODEL_COLUMNS = [MASKS, MEDIAN_AGAINST_PAPER, P90, PER_HOUR, IMAGES, PER_IMAGE];

/** @type {LineColumn[]} */
export const PERSON_COLUMNS = [
  MASKS,
  MEDIAN_AGAINST_PAPER,
  P90,
  PER_HOUR,
  IMAGES,
  PER_IMAGE,
  { title: 'Last mask', text: (line) => (line.last_accepted_at === null ? NOTHING : ago(line.last_accepted_at)), isWord: true },
];

/** @type {LineColumn[]} */
export const PHASE_COLUMNS = [
  { title: 'Active time', text: (line) => (line.active_hours > 0 ? hoursOf(line.active_hours) : NOTHING), picture: phases },
  .../** @type {LineColumn[]} */ (PHASES.map(({ key, title }) => ({ title, text: (line) => percent(line[key]) }))),
  { title: 'Idle beside it', text: (line) => hoursOf(line.idle_hours) },
];

/** @type {LineColumn[]} */
export const EFFORT_COLUMNS = [
  { title: 'Clicks', text: (line) => decimal(line.points_per_mask), picture: (line) => shareBar(line.points_per_mask && line.points_per_mask / FEW_CLICKS) },
  { title: 'Boxes', text: (line) => decimal(line.boxes_per_mask, 2) },
  { title: 'Candidate changes', text: (line) => decimal(line.candidate_switches_per_mask, 2), picture: (line) => shareBar(line.candidate_switches_per_mask && line.candidate_switches_per_mask / FEW_CLICKS) },
  { title: 'Masks painted', text: (line) => percent(line.painted_masks_share), picture: (line) => shareBar(line.painted_masks_share, 'cell-bar-film') },
  { title: 'Pixels painted', text: (line) => percent(line.painted_pixels_share) },
];

/** @type {LineColumn[]} */
export const ENDING_COLUMNS = [
  { title: 'Given up', text: (line) => whole(line.given_up) },
  { title: 'of all objects', text: (line) => percent(line.given_up_rate), picture: (line) => shareBar(line.given_up_rate && line.given_up_rate / HIGH_RATE) },
  { title: 'Images skipped', text: (line) => whole(line.images_skipped) },
  { title: 'of all images', text: (line) => percent(line.skip_rate), picture: (line) => shareBar(line.skip_rate && line.skip_rate / HIGH_RATE) },
];

/** @type {LineColumn[]} */
export const LATENCY_COLUMNS = [
  { title: 'Answers', text: (line) => whole(line.decodes) },
  { title: 'Median', text: (line) => milliseconds(line.median_decode_ms), picture: (line) => shareBar(line.median_decode_ms && line.median_decode_ms / NOTICEABLE_MS) },
  { title: 'p90', text: (line) => milliseconds(line.p90_decode_ms), picture: (line) => shareBar(line.p90_decode_ms && line.p90_decode_ms / NOTICEABLE_MS) },
];

/** @param {number | null} ms @returns {string} */
export function milliseconds(ms) {
  return ms === null ? NOTHING : `${whole(ms)} ms`;
}

/** @param {number} hours @returns {string} */
function hoursOf(hours) {
  return `${hours < 100 ? decimal(hours) : whole(hours)} h`;
}

/** @param {Line} line @returns {Node | null} */
function phases(line) {
  if (line.looking_share === null) return null;
  return stackedBar(PHASES.map(({ key, style }) => ({ share: line[key] ?? 0, style })));
}

/**
 * A line from 0 to the paper's 34 s with a mark at its 14 s and the median as a bar.
 * @param {number | null} median
 * @returns {Node | null}
 */
function againstPaper(median) {
  if (median === null) return null;
  const shown = element('span', { class: 'against', 'aria-hidden': 'true' }, element('span'));
  shown.style.setProperty('--share', String(Math.min(1, median / PAPER_SECONDS.first)));
  shown.title = `${decimal(median)} s; the paper went from 34 to 14 s`;
  return shown;
}
