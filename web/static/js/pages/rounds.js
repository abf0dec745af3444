// A project's rounds: what the paper reports of its stages, as a table and as charts.

import { ApiClient } from '../api/client.js';
import { byId, chip, element, fill } from '../widgets/elements.js';
import { NOTHING, counted, day, decimal, moment, whole } from '../widgets/format.js';
import { ProjectHints, withRests } from '../widgets/hints.js';
import { drawLines } from '../widgets/line_chart.js';
import { drawSpreads } from '../widgets/spread_chart.js';
import { showReadingFault } from '../widgets/toasts.js';

/**
 * @typedef {object} Stage
 * @property {number} masks
 * @property {number} timed_masks
 * @property {number | null} median_seconds_per_mask
 * @property {number | null} p90_seconds_per_mask
 * @property {number} images
 * @property {number | null} masks_per_image
 */
/** @typedef {Stage & {number: number, state: string, started_at: string, candidate: string | null, iou_1: number | null, iou_3: number | null, promoted_at: string | null}} RoundStage */
/** @typedef {{rounds: RoundStage[], since: Stage}} RoundHistory */

const EVERY_MS = 60000; // masks are hinted at once a second: too often for numbers over all of them
const RETOLD_BY = new Set(['jobs', 'models']);
const PAPER_SECONDS = { first: 34, last: 14, steps: null };
const PAPER_PER_IMAGE = [
  { value: 20, label: '20 paper' },
  { value: 44, label: '44 paper' },
];

const project = document.body.dataset.project ?? '';
const api = new ApiClient({ base: document.body.dataset.api });
/** @type {{shown: RoundHistory | null}} */
const state = { shown: null };

const { read } = withRests(async () => {
  try {
    show(/** @type {RoundHistory} */ (await api.roundHistory(project)));
    showReadingFault(null);
  } catch (fault) {
    showReadingFault('rounds', fault);
  }
});

/** @param {RoundHistory} history */
function show(history) {
  state.shown = history;
  const isEmpty = history.rounds.length === 0;
  byId('empty', HTMLElement).hidden = !isEmpty;
  byId('history', HTMLElement).hidden = isEmpty;
  byId('so-far', HTMLElement).textContent = counted(history.since.masks, 'mask');
  if (!isEmpty) {
    fill(byId('rounds', HTMLElement), sinceRow(history.since), ...[...history.rounds].reverse().map(roundRow));
    showTables(history);
    drawCharts(history);
  }
  byId('page', HTMLElement).setAttribute('aria-busy', 'false');
}

/** @param {RoundStage} row @returns {HTMLElement} */
function roundRow(row) {
  const standing = row.promoted_at !== null ? chip('promoted', 'ok') : chip(row.state === 'done' ? 'not promoted' : row.state, row.state === 'done' ? '' : 'active');
  if (row.promoted_at !== null) standing.title = moment(row.promoted_at);
  return element(
    'tr',
    {},
    element('th', { scope: 'row' }, String(row.number)),
    element('td', { class: 'small', title: moment(row.started_at) }, day(row.started_at.slice(0, 10))),
    ...stageCells(row),
    numberCell(decimal(row.iou_1, 3)),
    numberCell(decimal(row.iou_3, 3)),
    element('td', {}, standing),
  );
}

/** @param {Stage} stage @returns {HTMLElement} */
function sinceRow(stage) {
  const empty = [NOTHING, NOTHING].map(numberCell);
  return element('tr', {}, element('th', { scope: 'row' }, 'since'), element('td', { class: 'small quiet' }, 'until now'), ...stageCells(stage), ...empty, element('td'));
}

/** @param {Stage} stage @returns {HTMLElement[]} */
function stageCells(stage) {
  return [whole(stage.masks), decimal(stage.median_seconds_per_mask), decimal(stage.masks_per_image)].map(numberCell);
}

/** @param {string} text @returns {HTMLElement} */
function numberCell(text) {
  return element('td', { class: 'number' }, text);
}

/**
 * Every stage with its name: the rounds, and what was collected since, when there is something.
 * @param {RoundHistory} history
 * @returns {{label: string, stage: Stage}[]}
 */
function stages({ rounds, since }) {
  const named = rounds.map((row) => ({ label: `round ${row.number}`, stage: /** @type {Stage} */ (row) }));
  return since.masks > 0 || since.images > 0 ? [...named, { label: 'since', stage: since }] : named;
}

/** @param {RoundHistory} history */
function showTables(history) {
  const named = stages(history);
  fill(
    byId('seconds-table', HTMLElement),
    ...named.map(({ label, stage }) => line(label, [whole(stage.masks), whole(stage.timed_masks), decimal(stage.median_seconds_per_mask), decimal(stage.p90_seconds_per_mask)])),
  );
  fill(byId('per-image-table', HTMLElement), ...named.map(({ label, stage }) => line(label, [whole(stage.images), decimal(stage.masks_per_image)])));
  fill(byId('score-table', HTMLElement), ...history.rounds.map((row) => line(`round ${row.number}`, [decimal(row.iou_1, 3), decimal(row.iou_3, 3)])));
}

/** @param {string} heading @param {string[]} cells @returns {HTMLElement} */
function line(heading, cells) {
  return element('tr', {}, element('th', { scope: 'row' }, heading), ...cells.map(numberCell));
}

/** @param {RoundHistory} history */
function drawCharts(history) {
  const named = stages(history);
  const seconds = named.map(secondsPlace);
  const newest = seconds[seconds.length - 1];
  drawSpreads(byId('seconds-chart', HTMLElement), seconds, {
    unit: ' s', counted: 'masks', least: 40, paper: PAPER_SECONDS,
    summary: `Median seconds per mask over ${counted(named.length, 'stage')}; ${newest.tooltip}.`,
  });
  const perImage = named.map(({ stage }) => stage.masks_per_image);
  drawLines(byId('per-image-chart', HTMLElement), {
    labels: named.map(({ label }) => label),
    lines: [{ name: '', values: perImage }],
    top: Math.max(50, Math.ceil(Math.max(...perImage.map((value) => value ?? 0)) / 10) * 10),
    write: (value) => decimal(value, Number.isInteger(value) ? 0 : 1),
    summary: `Masks per submitted image over ${counted(named.length, 'stage')}; last ${decimal(perImage.findLast((value) => value !== null))}.`,
    paper: PAPER_PER_IMAGE,
  });
  const last = history.rounds.findLast((row) => row.iou_1 !== null);
  drawLines(byId('score-chart', HTMLElement), {
    labels: history.rounds.map((row) => `round ${row.number}`),
    lines: [
      { name: '3 clicks', values: history.rounds.map((row) => row.iou_3) },
      { name: '1 click', values: history.rounds.map((row) => row.iou_1) },
    ],
    top: 1,
    write: (value) => decimal(value, 2),
    summary: `Mean IoU on held-out masks over ${counted(history.rounds.length, 'round')}; ${last === undefined ? 'none was scored' : `round ${last.number}: ${decimal(last.iou_1, 2)} after 1 click, ${decimal(last.iou_3, 2)} after 3`}.`,
  });
}

/** @param {{label: string, stage: Stage}} named @returns {import('../widgets/spread_chart.js').Place} */
function secondsPlace({ label, stage }) {
  const { masks: count, median_seconds_per_mask: middle, p90_seconds_per_mask: upper } = stage;
  return { label, count, middle, upper, tooltip: `${label}: ${counted(count, 'mask')}, median ${decimal(middle)} s, p90 ${decimal(upper)} s` };
}

/** @param {boolean} isLive */
function showLive(isLive) {
  fill(byId('live', HTMLElement), isLive ? chip('Live', 'ok') : chip('Reconnecting, asking every 10 s'));
}

const resized = new ResizeObserver(() => {
  if (state.shown !== null && state.shown.rounds.length > 0) drawCharts(state.shown);
});
resized.observe(byId('page', HTMLElement));
new ProjectHints({
  project,
  onHint: (kind) => {
    if (RETOLD_BY.has(kind)) void read();
  },
  onState: showLive,
});
setInterval(() => void read(), EVERY_MS);
void read();
