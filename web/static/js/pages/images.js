// The images page: upload, the grid with its states, export.

import { ApiClient } from '../api/client.js';
import { byId, element, fill } from '../widgets/elements.js';
import { counted, whole } from '../widgets/format.js';
import { wireForms } from '../widgets/forms.js';
import { ProjectHints, oneAtATime } from '../widgets/hints.js';
import { DataSetImports } from '../widgets/data_set_imports.js';
import { UploadList } from '../widgets/upload_list.js';
import { ExportButton } from '../widgets/export_button.js';
import { ImageGrid } from '../widgets/image_grid.js';
import { ImageSelection } from '../widgets/image_selection.js';
import { ImageViewer } from '../widgets/image_viewer.js';
import { faultText } from '../widgets/toasts.js';

/** @typedef {import('../widgets/image_pages.js').ImagePage} ImagePage */
/** @typedef {{total: number, waiting: number, ready: number, in_progress: number, submitted: number, skipped: number, left: number, failed: number}} ImageCounts */

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
const changed = () => {
  grid.refresh();
  void readCounts();
};
const viewer = new ImageViewer({ api, onChange: changed });
const selection = new ImageSelection({ api, project, most: Number(document.body.dataset.maxChanged), onChange: changed, onCleared: () => grid.markChosen() });
const view = viewOf(location.search);
const list = byId('grid', HTMLElement);
const grid = new ImageGrid({ list, api, read: readImages, selection, onOpen: (image) => void viewer.open(image), onTotal: showTotal, onFault: showFault, onPlace: showPlace });
/** @type {{place: import('../widgets/image_grid.js').Place | null}} where the reader was before they went to another page */
const back = { place: history.state?.place ?? null };

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
  list.setAttribute('aria-busy', 'false');
}

/** @param {string} query @returns {{search: string, state: string}} */
function viewOf(query) {
  const words = new URLSearchParams(query);
  const state = words.get('state') ?? '';
  return { search: words.get('name') ?? '', state: STATES.some(([known]) => known === state) ? state : '' };
}

/** @returns {Record<string, string>} */
function filters() {
  return Object.fromEntries(Object.entries({ name: view.search, state: view.state }).filter(([, word]) => word !== ''));
}

/** @param {number} offset @param {number} limit @returns {Promise<ImagePage>} */
async function readImages(offset, limit) {
  return /** @type {ImagePage} */ (await api.images(project, { ...filters(), offset, limit }));
}

/** @param {number} total */
function showTotal(total) {
  byId('fault', HTMLElement).hidden = true;
  list.setAttribute('aria-busy', 'false');
  showEmpty(total === 0);
  byId('choose-all', HTMLElement).textContent = `Choose all ${whole(total)}`;
  if (total === 0) byId('place', HTMLElement).textContent = '';
  if (back.place !== null) grid.goTo(back.place);
  back.place = null;
}

/** @param {import('../widgets/image_grid.js').Place} place @param {number} last @param {number} total */
function showPlace(place, last, total) {
  byId('place', HTMLElement).textContent = `${whole(place.first + 1)}–${whole(last + 1)} of ${whole(total)}`;
  history.replaceState({ place }, '');
}

/** Another part of the images: what was chosen of the one before would be out of sight. */
function narrow() {
  history.replaceState(null, '', `?${new URLSearchParams(filters())}`);
  selection.clear();
  list.setAttribute('aria-busy', 'true');
  grid.restart();
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
      narrow();
    });
    byId('states', HTMLElement).append(button);
  }
}

function wireSearch() {
  const search = byId('search', HTMLInputElement);
  search.value = view.search;
  /** @type {{timer?: ReturnType<typeof setTimeout>}} */
  const typing = {};
  search.addEventListener('input', () => {
    clearTimeout(typing.timer);
    typing.timer = setTimeout(() => {
      if (view.search === search.value.trim()) return;
      view.search = search.value.trim();
      narrow();
    }, TYPING_MS);
  });
}

function wireUploads() {
  const uploads = new UploadList({
    url: `${document.body.dataset.api}projects/${project}/images`,
    maxBytes: Number(document.body.dataset.maxBytes),
    onAdded: changed,
  });
  const dataSets = new DataSetImports({
    api,
    project,
    maxBytes: Number(document.body.dataset.maxDataSetBytes),
    onChange: changed,
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
  const server = document.querySelector('#from-server');
  server?.addEventListener('submit', (event) => {
    event.preventDefault();
    void dataSets.addFromServer(byId('server-set', HTMLSelectElement).value);
  });
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
  byId('choose-all', HTMLElement).addEventListener('click', () => void grid.chooseAll());
  const showMasks = byId('show-masks', HTMLInputElement);
  showMasks.addEventListener('change', () => list.classList.toggle('without-masks', !showMasks.checked));
}

/** @param {import('../widgets/hints.js').HintKind} kind */
function follow(kind) {
  if (kind !== 'models') changed();
}

wireForms(document.body);
wireStates();
wireSearch();
wireUploads();
wireGrid();
new ExportButton({ api, project }).wire();
history.scrollRestoration = 'manual';
grid.restart();
void readCounts();
new ProjectHints({ project, onHint: follow });
