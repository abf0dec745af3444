// The models page: rounds and versions, kept fresh.

import { byId } from '../widgets/elements.js';
import { wireForms } from '../widgets/forms.js';
import { keepLive } from '../widgets/live_sections.js';

const EVERY_MS = 2000;

wireForms(document.body);
keepLive({
  path: '/models',
  everyMs: EVERY_MS,
  onRead: ({ ok }) => {
    byId('live-state', HTMLElement).textContent = ok ? '' : 'The server does not answer; this page may be old.';
  },
});
