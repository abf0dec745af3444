// The dashboard: one project's numbers, live.

import { ApiClient } from '../api/client.js';
import { SKIP_REASONS } from '../ui/skip_menu.js';
import { byId, chip, element, fill } from '../widgets/elements.js';
import { counted, day, decimal, moment, percent, whole } from '../widgets/format.js';
import { ProjectHints, withRests } from '../widgets/hints.js';
import { drawHours } from '../widgets/hour_chart.js';
import { fillTable, shareBar } from '../widgets/number_table.js';
import { drawSpreads } from '../widgets/spread_chart.js';
import { showReadingFault } from '../widgets/toasts.js';
import { DAY_COLUMNS, EFFORT_COLUMNS, ENDING_COLUMNS, LATENCY_COLUMNS, MODEL_COLUMNS, PAPER_MASKS, PAPER_SECONDS, PERSON_COLUMNS, PHASE_COLUMNS, milliseconds } from './dashboard/columns.js';

/** @typedef {import('../api/types.js').Throughput} Throughput */
/** @typedef {import('../api/types.js').Line} Line */
/** @typedef {import('../api/types.js').ImageCounts} ImageCounts */
/** @typedef {import('../widgets/spread_chart.js').Place} Place */
/** @typedef {'by_model' | 'by_person' | 'by_day'} Part */
/** @typedef {Line & {title: string}} TitledLine */

const EVERY_MS = 30000;
const RETRAININGS = 6; // of the paper, on the way from its first figures to its last
/** @type {[keyof ImageCounts, string][]} */
const STANDINGS = [
  ['submitted', 'submitted'],
  ['skipped', 'skipped'],
  ['in_progress', 'in progress'],
  ['ready', 'ready'],
  ['waiting', 'waiting for the model'],
];
const FINISH = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short' });

const project = document.body.dataset.project ?? '';
const api = new ApiClient({ base: document.body.dataset.api });
/** @type {{shown: Throughput | null, days: string, part: Part}} */
const state = { shown: null, days: '30', part: 'by_model' };

const { read, hurry } = withRests(async () => {
  const { days } = state;
  try {
    const numbers = await api.throughput(project, { days });
    if (days !== state.days) return; // chosen anew meanwhile: asked again at once
    show(numbers);
    showReadingFault(null);
  } catch (fault) {
    showReadingFault('numbers', fault);
  }
});

/** @param {Throughput} numbers */
function show(numbers) {
  state.shown = numbers;
  showFigures(numbers);
  showImages(numbers);
  showCharts(numbers);
  showTables(numbers);
  showParts(numbers);
  write('as-of', `as of ${moment(numbers.at)}`);
  byId('dashboard', HTMLElement).setAttribute('aria-busy', 'false');
}

/** @param {string} id @param {string} text */
function write(id, text) {
  byId(id, HTMLElement).textContent = text;
}

/** @param {Throughput} numbers */
function showFigures({ hours, whole: line, images, forecast, masks, imported }) {
  const now = hours[hours.length - 1];
  write('masks-per-hour', whole(now.masks));
  write('images-per-hour', counted(now.images, 'image'));
  write('median', decimal(line.median_seconds_per_mask));
  write('p90', line.p90_seconds_per_mask === null ? 'no timed mask yet' : `p90 ${decimal(line.p90_seconds_per_mask)}`);
  write('per-image', decimal(line.masks_per_image));
  write('submitted', `over ${counted(line.images_submitted, 'image')}`);
  write('left', whole(images.left));
  write('pace', forecast.days_left === null || images.total === 0 ? `of ${whole(images.total)}` : daysLeft(forecast.days_left));
  write('masks', whole(masks));
  write('imported', imported === 0 ? '' : `${whole(imported)} imported`);
  write('latency', milliseconds(line.median_decode_ms));
  write('latency-p90', line.p90_decode_ms === null ? '' : `p90 ${whole(line.p90_decode_ms)}`);
}

/** @param {number} days @returns {string} */
function daysLeft(days) {
  if (days === 0) return 'all done';
  return days < 1 ? 'done within a day' : `about ${counted(Math.ceil(days), 'day')}`;
}

/** @param {Throughput} numbers */
function showImages({ images, forecast, at }) {
  write('forecast', forecastText(images, forecast, at));
  const parts = STANDINGS.filter(([key]) => images[key] > 0);
  const line = byId('standing', HTMLElement);
  line.setAttribute('aria-label', parts.map(([key, label]) => `${images[key]} ${label}`).join(', ') || 'No images yet');
  fill(line, ...parts.map(([key]) => grown(element('span', { class: `standing-${key}` }), images[key])));
  fill(
    byId('standing-legend', HTMLElement),
    ...STANDINGS.map(([key, label]) => element('li', {}, element('span', { class: `key standing-${key}` }), element('strong', {}, whole(images[key])), ` ${label}`)),
  );
}

/**
 * @param {ImageCounts} images
 * @param {import('../api/types.js').Forecast} forecast
 * @param {string} at
 * @returns {string}
 */
function forecastText(images, { images_per_day: pace, days_seen: seen, days_left: days, low, high }, at) {
  if (images.total === 0) return 'There are no images yet.';
  if (images.left === 0) return 'Nothing is left: every image was submitted or skipped.';
  if (days === null) return `${counted(images.left, 'image')} left. A forecast needs an image that was submitted.`;
  const span = seen === 1 ? 'the last day' : `the last ${seen} days`;
  const told = `${counted(images.left, 'image')} left; ${decimal(pace)} a day in ${span} make ${fewDays(days)} days, until about ${dayAfter(at, days)}.`;
  if (low === null || high === null) return `${told} How sure that is can be said after three days of work.`;
  return `${told} Four times in five it takes ${fewDays(low)} to ${fewDays(high)} days: ${dayAfter(at, low)} to ${dayAfter(at, high)}.`;
}

/** @param {number} days @returns {string} */
function fewDays(days) {
  return days < 10 ? decimal(days) : whole(days);
}

/** @param {string} at @param {number} days @returns {string} */
function dayAfter(at, days) {
  return FINISH.format(new Date(new Date(at).getTime() + days * 86400000));
}

/** @param {HTMLElement} part @param {number} share @returns {HTMLElement} */
function grown(part, share) {
  part.style.setProperty('flex-grow', String(share));
  return part;
}

/** @param {Throughput} numbers */
function showCharts({ hours, by_day: days, by_model: models }) {
  drawHours(byId('hours-chart', HTMLElement), hours);
  const made = days.filter((line) => line.masks > 0);
  drawOrSay('days-chart', made.map((line) => secondsPlace(line, day(line.day))), {
    unit: ' s', counted: 'masks', least: 40, summary: secondsSummary(made), paper: { ...PAPER_SECONDS, steps: null },
  });
  const versions = models.filter((line) => line.model_version !== null);
  drawOrSay('models-chart', versions.map((line) => ({ ...secondsPlace(line, line.name), step: line.retrainings })), {
    unit: ' s', counted: 'masks', least: 40, paper: { ...PAPER_SECONDS, steps: RETRAININGS },
    summary: `Median seconds per mask with ${counted(versions.length, 'model version')}; the table below has the numbers.`,
  });
  drawOrSay('per-image-chart', versions.map(perImagePlace), {
    unit: '', counted: 'images', least: 50, paper: { ...PAPER_MASKS, steps: RETRAININGS },
    summary: `Masks per image with ${counted(versions.length, 'model version')}; the table below has the numbers.`,
  });
}

/** @param {string} id @param {Place[]} places @param {import('../widgets/spread_chart.js').Look} look */
function drawOrSay(id, places, look) {
  const frame = byId(id, HTMLElement);
  if (places.length > 0) drawSpreads(frame, places, look);
  else fill(frame, element('div', { class: 'empty' }, element('h3', {}, 'No masks in these days'), element('p', {}, 'The line starts with the first accepted mask.')));
}

/** @param {Line} line @param {string} label @returns {Place} */
function secondsPlace(line, label) {
  const { median_seconds_per_mask: middle, p90_seconds_per_mask: upper } = line;
  return { label, count: line.masks, middle, upper, tooltip: `${label}: ${counted(line.masks, 'mask')}, median ${decimal(middle)} s, p90 ${decimal(upper)} s` };
}

/** @param {import('../api/types.js').ModelLine} line @returns {Place} */
function perImagePlace(line) {
  const { name: label, retrainings: step, images_submitted: count, masks_per_image: middle } = line;
  return { label, step, count, middle, tooltip: `${label}: ${decimal(middle)} masks per image over ${counted(count, 'image')}` };
}

/** @param {import('../api/types.js').DayLine[]} days @returns {string} */
function secondsSummary(days) {
  const last = days[days.length - 1];
  return last ? `Median seconds per mask on ${counted(days.length, 'day')}; on ${day(last.day)} ${decimal(last.median_seconds_per_mask)} seconds over ${counted(last.masks, 'mask')}.` : '';
}

/** @param {Throughput} numbers */
function showTables(numbers) {
  const { hours, by_day: days, by_model: models, by_person: people, skip_reasons: reasons } = numbers;
  const nothing = 'No accepted masks in these days.';
  const busy = hours.filter((hour) => hour.masks + hour.images > 0).reverse();
  fillTable(table('hours'), [
    { title: 'The hour until', text: (hour) => moment(hour.until) },
    { title: 'Masks', text: (hour) => whole(hour.masks) },
    { title: 'Images', text: (hour) => whole(hour.images) },
    { title: 'People', text: (hour) => whole(hour.people) },
  ], busy, 'Nothing in the last 48 hours.');
  fillTable(table('days'), [{ title: 'Day (UTC)', text: (line) => line.title }, ...DAY_COLUMNS], titled(days, 'by_day'), nothing);
  fillTable(table('models'), [{ title: 'Model version', text: (line) => line.title }, ...MODEL_COLUMNS], titled(models, 'by_model'), nothing);
  fillTable(table('people'), [{ title: 'Person', text: (line) => line.title }, ...PERSON_COLUMNS], titled(people, 'by_person'), nothing);
  const skipped = numbers.whole.images_skipped;
  fillTable(table('reasons'), [
    { title: 'Reason', text: (row) => SKIP_REASONS.find(([code]) => code === row.reason)?.[1] ?? row.reason },
    { title: 'Images', text: (row) => whole(row.images) },
    { title: 'of the skipped', text: (row) => percent(row.images / skipped), picture: (row) => shareBar(row.images / skipped) },
  ], reasons, 'No image was skipped in these days.');
}

/** @param {Throughput} numbers */
function showParts(numbers) {
  const rows = [{ ...numbers.whole, title: 'All' }, ...titled(numbers[state.part], state.part)];
  const nothing = 'No accepted masks in these days.';
  for (const [id, columns] of /** @type {const} */ ([['phases', PHASE_COLUMNS], ['effort', EFFORT_COLUMNS], ['endings', ENDING_COLUMNS], ['latency', LATENCY_COLUMNS]])) {
    fillTable(table(id), [{ title: '', text: (/** @type {TitledLine} */ line) => line.title }, ...columns], rows, nothing);
  }
}

/**
 * The lines with what heads them, the newest day first.
 * @param {readonly Line[]} lines @param {Part} part
 * @returns {TitledLine[]}
 */
function titled(lines, part) {
  const headed = lines.map((line) => ({ ...line, title: titleOf(line, part) }));
  return part === 'by_day' ? headed.reverse() : headed;
}

/** @param {Line & {day?: string, name?: string}} line @param {Part} part @returns {string} */
function titleOf(line, part) {
  if (part === 'by_day') return day(line.day ?? '');
  return line.name || 'Painted without a model';
}

/** @param {string} id @returns {HTMLTableElement} */
function table(id) {
  return byId(`${id}-table`, HTMLTableElement);
}

/** @param {string} id @param {(pressed: HTMLButtonElement) => void} onChoice */
function choices(id, onChoice) {
  const group = byId(id, HTMLElement);
  group.addEventListener('click', (click) => {
    const pressed = click.target instanceof Element ? click.target.closest('button') : null;
    if (pressed === null) return;
    for (const button of group.querySelectorAll('button')) button.setAttribute('aria-pressed', String(button === pressed));
    onChoice(pressed);
  });
}

/** @param {boolean} isLive */
function showLive(isLive) {
  fill(byId('live', HTMLElement), isLive ? chip('Live', 'ok') : chip('Reconnecting, asking every 10 s'));
}

/** A page that nobody looks at asks nothing. */
function readIfSeen() {
  if (!document.hidden) void read();
}

choices('period', ({ dataset }) => {
  state.days = dataset.days ?? state.days;
  for (const link of document.querySelectorAll('a[data-table]')) {
    if (link instanceof HTMLAnchorElement) link.href = `/api/v1/projects/${project}/throughput/${link.dataset.table}.csv?days=${state.days}`;
  }
  byId('dashboard', HTMLElement).setAttribute('aria-busy', 'true');
  void read();
  hurry();
});
choices('parts', ({ dataset }) => {
  state.part = /** @type {Part} */ (dataset.part);
  if (state.shown !== null) showParts(state.shown);
});
new ResizeObserver(() => state.shown && showCharts(state.shown)).observe(byId('dashboard', HTMLElement));
new ProjectHints({ project, onHint: (kind) => (kind === 'images' || kind === 'throughput') && readIfSeen(), onState: showLive });
setInterval(readIfSeen, EVERY_MS); // the last hour moves on by itself
document.addEventListener('visibilitychange', readIfSeen);
void read();
