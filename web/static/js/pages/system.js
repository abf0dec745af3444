// The system page: health, jobs and acts kept fresh; forms that ask first; a link to copy.

import { wireCopyButtons } from '../widgets/copy_button.js';
import { byId } from '../widgets/elements.js';
import { wireForms } from '../widgets/forms.js';
import { keepLive } from '../widgets/live_sections.js';

const EVERY_MS = 5000;

wireForms(document.body);
wireCopyButtons();
keepLive({
  path: '/system',
  everyMs: EVERY_MS,
  onRead: ({ ok }) => {
    byId('live-state', HTMLElement).textContent = ok ? '' : 'The server does not answer; this page may be old.';
  },
});
