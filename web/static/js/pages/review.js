// The review page: one accepted mask after another, to accept, fix or send back.

import { ApiClient } from '../api/client.js';
import { ApiError } from '../api/transport.js';
import { byId, element } from '../widgets/elements.js';
import { whole } from '../widgets/format.js';
import { oneStepAtATime } from '../widgets/one_step.js';
import { toast } from '../widgets/toasts.js';
import { LAST_REVIEW } from './review/address.js';
import { FINDINGS } from './review/findings.js';
import { ReviewForm } from './review/form.js';
import { ReviewQueue } from './review/queue.js';
import { ReviewSheet } from './review/sheet.js';
import { REJECT_REASONS } from '../state/reject_reasons.js';

/** @typedef {import('../api/types.js').ReviewedMask} ReviewedMask */

const STATES = /** @type {const} */ ([
  ['unreviewed', 'To review'],
  ['accepted', 'Accepted'],
  ['fixed', 'Fixed'],
  ['rejected', 'Rejected'],
]);
const FILTERS = ['state', 'author', 'image', 'check', 'audit'];

const project = document.body.dataset.project ?? '';
const apiBase = document.body.dataset.api ?? '/api/v1/';
const api = new ApiClient({ base: apiBase });
const queue = new ReviewQueue({ api, project });
const stage = byId('stage', HTMLElement);
const form = new ReviewForm({ onPins: (pins) => sheet.setPins(pins), onReason: () => byId('send-back', HTMLElement).focus() });
const sheet = new ReviewSheet({ host: stage, api, apiBase, onPin: (at) => form.addPin(at) });

/** @type {{reviewed: ReviewedMask | null, decision: string}} */
const now = { reviewed: null, decision: crypto.randomUUID() };
const oneAtATime = oneStepAtATime(showBusy);

/** @returns {Record<string, string>} the filters in the page's address */
function filtersOf() {
  const search = new URLSearchParams(location.search);
  return Object.fromEntries(FILTERS.flatMap((name) => (search.get(name) ? [[name, search.get(name) ?? '']] : [])));
}

/** In an audit every mask is decided on, whatever was decided before. */
const usualState = () => (filtersOf().audit ? 'any' : 'unreviewed');

/** @param {Record<string, string>} filters */
function setFilters(filters) {
  const kept = Object.entries(filters).filter(([, word]) => word !== '');
  history.replaceState(null, '', `${location.pathname}${kept.length ? `?${new URLSearchParams(kept)}` : ''}`);
  void inTurn(() => queue.read(filtersOf()));
}

/**
 * After each step the mask in turn is shown.
 *
 * @param {() => unknown} step
 */
function inTurn(step) {
  return oneAtATime(async () => {
    await step();
    await showCurrent();
  });
}

/** @param {boolean} busy  while the next mask is not there yet, keys decide nothing */
function showBusy(busy) {
  stage.setAttribute('data-busy', String(busy));
}

async function showCurrent() {
  const reviewed = await queue.load();
  showFrame(reviewed !== null);
  if (reviewed === now.reviewed && reviewed !== null) return;
  now.reviewed = reviewed;
  now.decision = crypto.randomUUID();
  if (reviewed) form.show(reviewed);
  await sheet.show(reviewed);
}

/** @param {boolean} hasMask */
function showFrame(hasMask) {
  const { counts, authors } = queue.page;
  const { state = usualState(), author = '', check = '' } = filtersOf();
  for (const [id] of STATES) {
    byId(`count-${id}`, HTMLElement).textContent = whole(counts[id]);
    byId(`state-${id}`, HTMLElement).setAttribute('aria-pressed', String(id === state));
  }
  const people = byId('author', HTMLSelectElement);
  const options = [{ id: '', name: 'Everybody' }, ...authors];
  people.replaceChildren(...options.map(({ id, name }) => element('option', { value: id, selected: id === author }, name)));
  byId('check', HTMLSelectElement).value = check;
  byId('left', HTMLElement).textContent = `${whole(queue.left)} left`;
  byId('deciding', HTMLElement).hidden = !hasMask;
  byId('nothing', HTMLElement).hidden = hasMask;
  byId('nothing-words', HTMLElement).textContent = nothingWords(state);
  byId('auditing', HTMLElement).hidden = !filtersOf().audit;
}

/** @param {string} state */
function nothingWords(state) {
  if (filtersOf().audit) return 'Every mask of this audit is decided on, or its image is being reworked.';
  return state === 'unreviewed' ? 'Masks come here as soon as their image is handed in.' : 'No mask is in this state.';
}

/**
 * @param {'accepted' | 'rejected'} outcome
 */
async function decide(outcome) {
  const { reviewed } = now;
  if (!reviewed) return;
  await inTurn(async () => {
    const reason = outcome === 'rejected' ? form.reason : null;
    const decision = { decision_id: now.decision, version: reviewed.mask.version, outcome, reason, note: form.note, pins: form.pins };
    try {
      const { returned } = await api.decide(reviewed.mask.id, decision);
      if (outcome === 'rejected') toast(returned ? `Sent back to ${reviewed.author_name}.` : 'Rejected. Nobody has this image in a queue, so nobody will mend it: you can fix it.');
    } catch (fault) {
      if (!(fault instanceof ApiError) || ![409, 412].includes(fault.status)) throw fault;
      toast('The mask was changed in the meantime; this is how it is now.', 'danger');
      queue.forget();
      return;
    }
    queue.note(outcome);
    stage.focus({ preventScroll: true });
    await queue.next();
  });
}

function fix() {
  if (!now.reviewed) return;
  sessionStorage.setItem(LAST_REVIEW, new URLSearchParams(filtersOf()).toString());
  location.assign(`/projects/${project}/annotate?correct=${now.reviewed.mask.id}`);
}

function reject() {
  if (!form.isRejecting) form.openReasons(true);
  else if (form.reason) void decide('rejected');
}

/** @type {Record<string, () => unknown>} */
const KEYS = {
  a: () => decide('accepted'),
  f: fix,
  r: reject,
  Enter: () => form.isRejecting && reject(),
  Escape: () => form.openReasons(false),
  ArrowRight: () => inTurn(() => queue.next()),
  ArrowLeft: () => inTurn(() => queue.previous()),
  z: () => sheet.zoomToMask(),
  '0': () => sheet.fit(),
  '+': () => sheet.zoom(1.25),
  '-': () => sheet.zoom(0.8),
  o: () => sheet.toggleOutline(),
  m: () => sheet.toggleOthers(),
  h: () => sheet.peek(true),
};

/** @param {KeyboardEvent} event */
function pressed(event) {
  const target = event.target instanceof Element ? event.target : document.body;
  const typing = target.matches('input, textarea, select');
  if (typing && event.key === 'Enter' && !event.shiftKey && !target.matches('select')) {
    event.preventDefault();
    stage.focus({ preventScroll: true });
    return;
  }
  if (typing && event.key === 'Escape') stage.focus({ preventScroll: true });
  if (typing || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.key === 'Enter' && target.matches('button, a, summary')) return;
  const reason = form.isRejecting ? REJECT_REASONS[Number(event.key) - 1] : undefined;
  if (reason) return form.choose(reason.id);
  const act = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!act) return;
  event.preventDefault();
  act();
}

for (const [id, label] of STATES) {
  const button = element('button', { type: 'button', id: `state-${id}`, 'aria-pressed': 'false' }, label, ' ', element('span', { class: 'quiet', id: `count-${id}` }));
  button.addEventListener('click', () => setFilters({ ...filtersOf(), state: id }));
  byId('states', HTMLElement).append(button);
}
byId('author', HTMLSelectElement).addEventListener('change', (event) => {
  if (event.target instanceof HTMLSelectElement) setFilters({ ...filtersOf(), author: event.target.value });
});
const checks = byId('check', HTMLSelectElement);
checks.append(...[['', 'Any'], ...Object.entries(FINDINGS)].map(([id, label]) => element('option', { value: id }, label)));
checks.addEventListener('change', () => setFilters({ ...filtersOf(), check: checks.value }));
byId('accept', HTMLElement).addEventListener('click', () => void decide('accepted'));
byId('fix', HTMLElement).addEventListener('click', fix);
byId('reject', HTMLElement).addEventListener('click', () => form.openReasons(!form.isRejecting));
byId('send-back', HTMLElement).addEventListener('click', () => void decide('rejected'));
byId('later', HTMLElement).addEventListener('click', () => void inTurn(() => queue.next()));
byId('again', HTMLElement).addEventListener('click', () => void inTurn(() => queue.read()));
document.addEventListener('keydown', pressed);
document.addEventListener('keyup', (event) => event.key.toLowerCase() === 'h' && sheet.peek(false));
addEventListener('blur', () => sheet.peek(false));

await inTurn(() => queue.read(filtersOf()));
if (new URLSearchParams(location.search).has('corrected')) {
  toast('Corrected.');
  history.replaceState(null, '', `${location.pathname}?${new URLSearchParams(filtersOf())}`);
}
stage.focus({ preventScroll: true });
