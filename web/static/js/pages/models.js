// The models page: rounds and versions, kept fresh.

import { byId } from '../widgets/elements.js';
import { wireForms } from '../widgets/forms.js';
import { keepLive } from '../widgets/live_sections.js';

const EVERY_MS = 2000;

/** The file's name often tells its architecture; what the admin chooses afterwards stands. */
function followCheckpoint() {
  const chosen = document.getElementById('checkpoint');
  const architecture = document.getElementById('architecture');
  if (!(chosen instanceof HTMLSelectElement) || !(architecture instanceof HTMLSelectElement)) return;
  chosen.addEventListener('change', () => {
    const guessed = chosen.selectedOptions[0]?.dataset.architecture ?? '';
    if (guessed !== '') architecture.value = guessed;
  });
}

followCheckpoint();
wireForms(document.body);
keepLive({
  path: '/models',
  everyMs: EVERY_MS,
  onRead: ({ ok }) => {
    byId('live-state', HTMLElement).textContent = ok ? '' : 'The server does not answer; this page may be old.';
  },
});
