// The page of two versions beside each other: the comparison that runs is kept fresh.

import { byId } from '../widgets/elements.js';
import { wireForms } from '../widgets/forms.js';
import { keepLive } from '../widgets/live_sections.js';

const EVERY_MS = 2000;

wireForms(document.body);
const pair = document.getElementById('pair'); // not there while there is nothing to compare
keepLive({
  path: pair?.dataset.path ?? '/models/compare',
  everyMs: EVERY_MS,
  onRead: ({ ok }) => {
    byId('live-state', HTMLElement).textContent = ok ? '' : 'The server does not answer; this page may be old.';
  },
});
