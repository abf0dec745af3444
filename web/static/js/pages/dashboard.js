// The dashboard: one project's numbers, live.

import { ApiClient } from '../api/client.js';
import { PAPER_FIRST_S, drawDays } from '../widgets/day_chart.js';
import { byId, chip, element, fill } from '../widgets/elements.js';
import { NOTHING, ago, counted, day, decimal, moment, whole } from '../widgets/format.js';
import { ProjectHints, oneAtATime } from '../widgets/hints.js';
import { faultText } from '../widgets/toasts.js';

/** @typedef {{median: number | null, p90: number | null}} Spread */
/** @typedef {{total: number, waiting: number, ready: number, in_progress: number, submitted: number, skipped: number, left: number}} ImageCounts */
/** @typedef {{person: string, name: string, masks: number, masks_last_hour: number, seconds_per_mask: Spread, images_submitted: number, last_accepted_at: string | null}} PersonRow */
/** @typedef {{model_version: string | null, name: string, masks: number, seconds_per_mask: Spread}} ModelRow */
/**
 * @typedef {object} Throughput
 * @property {string} at
 * @property {number} masks
 * @property {number} imported  not among `masks`
 * @property {number} given_up
 * @property {number} masks_per_hour
 * @property {number | null} masks_per_submitted_image
 * @property {number | null} days_left
 * @property {Spread} seconds_per_mask
 * @property {number} timed_masks
 * @property {Spread} latency_ms
 * @property {ImageCounts} images
 * @property {PersonRow[]} people
 * @property {import('../widgets/day_chart.js').DayRow[]} by_day
 * @property {ModelRow[]} by_model
 */

const EVERY_MS = 30000;
/** @type {[keyof ImageCounts, string][]} */
const STANDINGS = [
  ['submitted', 'submitted'],
  ['skipped', 'skipped'],
  ['in_progress', 'in progress'],
  ['ready', 'ready'],
  ['waiting', 'waiting for the model'],
];

const project = document.body.dataset.project ?? '';
const api = new ApiClient({ base: document.body.dataset.api });
/** @type {{shown: Throughput | null}} */
const state = { shown: null };

const read = oneAtATime(async () => {
  try {
    show(/** @type {Throughput} */ (await api.throughput(project)));
    byId('fault', HTMLElement).hidden = true;
  } catch (fault) {
    const shown = byId('fault', HTMLElement);
    shown.textContent = `The numbers could not be read: ${faultText(fault)} They are asked again by themselves.`;
    shown.hidden = false;
  }
});

/** @param {Throughput} numbers */
function show(numbers) {
  state.shown = numbers;
  showFigures(numbers);
  showStanding(numbers.images);
  showDays(numbers);
  showPeople(numbers.people);
  showModels(numbers.by_model);
  byId('as-of', HTMLElement).textContent = `as of ${moment(numbers.at)}`;
  byId('dashboard', HTMLElement).setAttribute('aria-busy', 'false');
}

/** @param {string} id @param {string} text */
function write(id, text) {
  byId(id, HTMLElement).textContent = text;
}

/** @param {Throughput} numbers */
function showFigures(numbers) {
  const { seconds_per_mask: seconds, latency_ms: latency } = numbers;
  write('masks-per-hour', whole(numbers.masks_per_hour));
  write('median', decimal(seconds.median));
  write('p90', seconds.p90 === null ? 'no timed mask yet' : `p90 ${decimal(seconds.p90)}`);
  write('left', whole(numbers.images.left));
  write('pace', numbers.days_left === null ? `of ${whole(numbers.images.total)}` : forecast(numbers.days_left));
  write('masks', whole(numbers.masks));
  const perImage = numbers.masks_per_submitted_image === null ? [] : [`${decimal(numbers.masks_per_submitted_image)} per image`];
  const imported = numbers.imported === 0 ? [] : [`${whole(numbers.imported)} imported`];
  write('per-image', [...perImage, ...imported].join(' · '));
  write('latency', latency.median === null ? NOTHING : `${whole(latency.median)} ms`);
  write('latency-p90', latency.p90 === null ? '' : `p90 ${whole(latency.p90)}`);
}

/** @param {number} days @returns {string} */
function forecast(days) {
  return days < 1 ? 'done within a day' : `about ${counted(Math.ceil(days), 'day')}`;
}

/** @param {ImageCounts} images */
function showStanding(images) {
  const parts = STANDINGS.filter(([key]) => images[key] > 0);
  const line = byId('standing', HTMLElement);
  line.setAttribute('aria-label', parts.map(([key, label]) => `${images[key]} ${label}`).join(', ') || 'No images yet');
  fill(line, ...parts.map(([key]) => grown(element('span', { class: `standing-${key}` }), images[key])));
  fill(
    byId('standing-legend', HTMLElement),
    ...STANDINGS.map(([key, label]) => element('li', {}, element('span', { class: `key standing-${key}` }), element('strong', {}, whole(images[key])), ` ${label}`)),
  );
}

/** @param {HTMLElement} part @param {number} share @returns {HTMLElement} */
function grown(part, share) {
  part.style.setProperty('flex-grow', String(share));
  return part;
}

/** @param {Throughput} numbers */
function showDays(numbers) {
  const chart = byId('chart', HTMLElement);
  if (numbers.by_day.length === 0) {
    fill(chart, element('div', { class: 'empty' }, element('h3', {}, 'No masks in the last 30 days'), element('p', {}, 'The line starts with the first accepted mask.')));
  } else {
    drawDays(chart, numbers.by_day);
  }
  fill(byId('days', HTMLElement), ...[...numbers.by_day].reverse().map((row) => line(day(row.day), [whole(row.masks), ...spread(row.seconds_per_mask)])));
}

/** @param {PersonRow[]} people */
function showPeople(people) {
  const rows = people.map((row) => {
    const cells = [whole(row.masks), whole(row.masks_last_hour), ...spread(row.seconds_per_mask), whole(row.images_submitted)];
    const made = line(row.name, cells);
    made.append(element('td', { class: 'one-line' }, row.last_accepted_at === null ? NOTHING : ago(row.last_accepted_at)));
    return made;
  });
  fill(byId('people', HTMLElement), ...(rows.length > 0 ? rows : [nothingYet(7)]));
}

/** @param {ModelRow[]} models */
function showModels(models) {
  const rows = models.map((row) => {
    const made = line(row.name === '' ? 'Painted without a model' : row.name, [whole(row.masks), ...spread(row.seconds_per_mask)]);
    made.append(element('td', { class: 'wide' }, againstPaper(row.seconds_per_mask.median)));
    return made;
  });
  fill(byId('models', HTMLElement), ...(rows.length > 0 ? rows : [nothingYet(5)]));
}

/**
 * A line from 0 to the paper's 34 s with a mark at its 14 s and the median as a bar.
 * @param {number | null} median
 * @returns {Node}
 */
function againstPaper(median) {
  if (median === null) return element('span', { class: 'quiet' }, NOTHING);
  const shown = element('div', { class: 'against' }, element('span'));
  shown.style.setProperty('--share', String(Math.min(1, median / PAPER_FIRST_S)));
  shown.title = `${decimal(median)} s; the paper went from 34 to 14 s`;
  return shown;
}

/** @param {Spread} seconds @returns {string[]} */
function spread(seconds) {
  return [decimal(seconds.median), decimal(seconds.p90)];
}

/** @param {string} heading @param {string[]} cells @returns {HTMLTableRowElement} */
function line(heading, cells) {
  return element('tr', {}, element('th', { scope: 'row' }, heading), ...cells.map((cell) => element('td', { class: 'number' }, cell)));
}

/** @param {number} columns @returns {HTMLElement} */
function nothingYet(columns) {
  return element('tr', {}, element('td', { colspan: columns, class: 'quiet' }, 'No accepted masks yet.'));
}

/** @param {boolean} isLive */
function showLive(isLive) {
  fill(byId('live', HTMLElement), isLive ? chip('Live', 'ok') : chip('Reconnecting, asking every 10 s'));
}

const resized = new ResizeObserver(() => {
  if (state.shown !== null && state.shown.by_day.length > 0) drawDays(byId('chart', HTMLElement), state.shown.by_day);
});
resized.observe(byId('dashboard', HTMLElement));
new ProjectHints({ project, onHint: () => void read(), onState: showLive });
setInterval(() => void read(), EVERY_MS); // the last hour moves on by itself
void read();
