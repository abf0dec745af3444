// One webhook: what it was told, kept fresh while deliveries come and go.

import { wireCopyButtons } from '../widgets/copy_button.js';
import { byId } from '../widgets/elements.js';
import { wireForms } from '../widgets/forms.js';
import { keepLive } from '../widgets/live_sections.js';

const EVERY_MS = 2000;

wireForms(document.body);
wireCopyButtons();
keepLive({
  path: byId('webhook', HTMLElement).dataset.path ?? location.pathname,
  everyMs: EVERY_MS,
  onRead: ({ ok }) => {
    byId('live-state', HTMLElement).textContent = ok ? '' : 'The server does not answer; this page may be old.';
  },
});
