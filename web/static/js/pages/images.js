// The images page: upload, the grid with its states, export.

import { ApiClient } from '../api/client.js';
import { byId, element, fill } from '../widgets/elements.js';
import { counted, whole } from '../widgets/format.js';
import { wireForms } from '../widgets/forms.js';
import { ProjectHints, oneAtATime } from '../widgets/hints.js';
import { ImageCard } from '../widgets/image_card.js';
import { DataSetImports } from '../widgets/data_set_imports.js';
import { UploadList } from '../widgets/upload_list.js';
import { ExportButton } from '../widgets/export_button.js';
import { ImageSelection } from '../widgets/image_selection.js';
import { ImageViewer } from '../widgets/image_viewer.js';
import { faultText } from '../widgets/toasts.js';

/** @typedef {import('../api/types.js').ImageFacts} ImageFacts */
/** @typedef {{images: ImageFacts[], total: number}} ImagePage */
/** @typedef {{total: number, waiting: number, ready: number, in_progress: number, submitted: number, skipped: number, left: number, failed: number}} ImageCounts */

const PAGE_SIZE = 48;
const TYPING_MS = 250;
const STATES = /** @type {const} */ ([
  ['', 'All', 'total'],
  ['waiting', 'Waiting', 'waiting'],
  ['ready', 'Ready', 'ready'],
  ['in_progress', 'In progress', 'in_progress'],
  ['submitted', 'Submitted', 'submitted'],
  ['skipped', 'Skipped', 'skipped'],
]);

const project = document.body.dataset.project ?? '';
const api = new ApiClient({ base: document.body.dataset.api });
const viewer = new ImageViewer({ api, onChange: () => void Promise.all([readGrid(), readCounts()]) });
const selection = new ImageSelection({ api, onChange: () => void Promise.all([readGrid(), readCounts()]), onCleared: markChosen });
const grid = byId('grid', HTMLElement);
/** @type {Map<string, ImageCard>} */
const cards = new Map();
const view = { offset: 0, search: '', state: '', total: 0 };

const readGrid = oneAtATime(async () => {
  const filters = Object.entries({ name: view.search, state: view.state }).filter(([, word]) => word !== '');
  try {
    const page = await api.images(project, { ...Object.fromEntries(filters), offset: view.offset, limit: PAGE_SIZE });
    byId('fault', HTMLElement).hidden = true;
    showGrid(/** @type {ImagePage} */ (page));
  } catch (fault) {
    showFault(fault);
  }
});

const readCounts = oneAtATime(async () => {
  try {
    showCounts(/** @type {ImageCounts} */ (await api.imageCounts(project)));
  } catch (fault) {
    showFault(fault);
  }
});

/** @param {unknown} fault */
function showFault(fault) {
  const shown = byId('fault', HTMLElement);
  shown.textContent = `The list could not be read: ${faultText(fault)} It is tried again by itself.`;
  shown.hidden = false;
  grid.setAttribute('aria-busy', 'false');
}

/** @param {ImagePage} page */
function showGrid(page) {
  view.total = page.total;
  if (page.images.length === 0 && view.offset > 0) {
    view.offset = Math.max(0, Math.floor((page.total - 1) / PAGE_SIZE) * PAGE_SIZE);
    void readGrid();
    return;
  }
  const kept = new Set(page.images.map((image) => image.id));
  for (const [id, card] of cards) if (!kept.has(id)) forget(id, card);
  page.images.forEach((image, place) => placeCard(image, place));
  grid.setAttribute('aria-busy', 'false');
  showEmpty(page.images.length === 0);
  showPager(page);
}

/** @param {string} id @param {ImageCard} card */
function forget(id, card) {
  card.root.remove();
  cards.delete(id);
}

/** @param {ImageFacts} image @param {number} place */
function placeCard(image, place) {
  const card = cards.get(image.id) ?? new ImageCard({ api, onOpen: (facts) => void viewer.open(facts), onChoose: (facts, isChosen) => selection.choose(facts.id, isChosen) });
  cards.set(image.id, card);
  card.show(image);
  card.mark(selection.has(image.id));
  if (grid.children[place] !== card.root) grid.insertBefore(card.root, grid.children[place] ?? null);
}

function markChosen() {
  for (const [id, card] of cards) card.mark(selection.has(id));
}

/** @param {boolean} isEmpty */
function showEmpty(isEmpty) {
  const empty = byId('empty', HTMLElement);
  empty.hidden = !isEmpty;
  const narrowed = view.search !== '' || view.state !== '';
  fill(
    empty,
    element('h2', {}, narrowed ? 'No image matches' : 'No images yet'),
    element('p', {}, narrowed ? 'Try another name, or show all of them.' : 'Upload some: they are prepared for the model at once, and annotators get them as soon as they are ready.'),
  );
}

/** @param {ImagePage} page */
function showPager(page) {
  byId('pager', HTMLElement).hidden = page.total <= PAGE_SIZE;
  const last = view.offset + page.images.length;
  byId('place', HTMLElement).textContent = `${whole(view.offset + 1)}–${whole(last)} of ${whole(page.total)}`;
  byId('previous', HTMLButtonElement).disabled = view.offset === 0;
  byId('next', HTMLButtonElement).disabled = last >= page.total;
}

/** @param {ImageCounts} counts */
function showCounts(counts) {
  byId('total', HTMLElement).textContent = whole(counts.total);
  byId('drop', HTMLElement).classList.toggle('drop-large', counts.total === 0);
  for (const [state, , key] of STATES) byId(`count-${state || 'all'}`, HTMLElement).textContent = whole(counts[key]);
  const failed = byId('failed', HTMLElement);
  failed.hidden = counts.failed === 0;
  byId('failed-text', HTMLElement).textContent = `${counted(counts.failed, 'image')} could not be prepared for the model, so nobody gets ${counts.failed === 1 ? 'it' : 'them'}.`;
}

function wireStates() {
  for (const [state, label] of STATES) {
    const button = element('button', { type: 'button', 'aria-pressed': state === view.state }, label, ' ', element('span', { class: 'quiet', id: `count-${state || 'all'}` }));
    button.setAttribute('aria-pressed', String(state === view.state));
    button.addEventListener('click', () => {
      for (const other of byId('states', HTMLElement).children) other.setAttribute('aria-pressed', String(other === button));
      view.state = state;
      turnTo(0);
    });
    byId('states', HTMLElement).append(button);
  }
}

/** @param {number} offset */
function turnTo(offset) {
  view.offset = Math.max(0, offset);
  void readGrid();
}

function wireSearch() {
  const search = byId('search', HTMLInputElement);
  /** @type {{timer?: ReturnType<typeof setTimeout>}} */
  const typing = {};
  search.addEventListener('input', () => {
    clearTimeout(typing.timer);
    typing.timer = setTimeout(() => {
      view.search = search.value.trim();
      turnTo(0);
    }, TYPING_MS);
  });
}

function wireUploads() {
  const uploads = new UploadList({
    url: `${document.body.dataset.api}projects/${project}/images`,
    maxBytes: Number(document.body.dataset.maxBytes),
    onAdded: () => void Promise.all([readGrid(), readCounts()]),
  });
  const dataSets = new DataSetImports({
    api,
    project,
    maxBytes: Number(document.body.dataset.maxDataSetBytes),
    onChange: () => void Promise.all([readGrid(), readCounts()]),
  });
  dataSets.resume().catch(showFault);
  /** @param {File[]} chosen */
  const add = (chosen) => {
    const zips = chosen.filter((file) => file.name.toLowerCase().endsWith('.zip'));
    dataSets.add(zips);
    uploads.add(chosen.filter((file) => !zips.includes(file)));
  };
  const files = byId('files', HTMLInputElement);
  byId('choose', HTMLElement).addEventListener('click', () => files.click());
  files.addEventListener('change', () => {
    add([...(files.files ?? [])]);
    files.value = '';
  });
  wireDrop(add);
}

/** @param {(files: File[]) => void} onFiles */
function wireDrop(onFiles) {
  const sheet = byId('drop', HTMLElement);
  /** @param {boolean} isOver */
  const mark = (isOver) => sheet.classList.toggle('drop-over', isOver);
  addEventListener('dragover', (event) => {
    if (!event.dataTransfer?.types.includes('Files')) return;
    event.preventDefault();
    mark(true);
  });
  addEventListener('dragleave', (event) => {
    if (event.relatedTarget === null) mark(false);
  });
  addEventListener('drop', (event) => {
    event.preventDefault();
    mark(false);
    onFiles([...(event.dataTransfer?.files ?? [])]);
  });
}

function wireGrid() {
  byId('previous', HTMLElement).addEventListener('click', () => turnTo(view.offset - PAGE_SIZE));
  byId('next', HTMLElement).addEventListener('click', () => turnTo(view.offset + PAGE_SIZE));
  byId('choose-page', HTMLElement).addEventListener('click', () => {
    for (const id of cards.keys()) selection.choose(id, true);
    markChosen();
  });
  const showMasks = byId('show-masks', HTMLInputElement);
  showMasks.addEventListener('change', () => grid.classList.toggle('without-masks', !showMasks.checked));
}

/** @param {import('../widgets/hints.js').HintKind} kind */
function follow(kind) {
  if (kind === 'models') return;
  void readGrid();
  void readCounts();
}

wireForms(document.body);
wireStates();
wireSearch();
wireUploads();
wireGrid();
new ExportButton({ api, project }).wire();
void readGrid();
void readCounts();
new ProjectHints({ project, onHint: follow });
