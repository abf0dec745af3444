// The system page: health, jobs and acts kept fresh; forms that ask first; a link to copy.

import { byId } from '../widgets/elements.js';
import { wireForms } from '../widgets/forms.js';
import { keepLive } from '../widgets/live_sections.js';
import { faultText, toast } from '../widgets/toasts.js';

const EVERY_MS = 5000;

/** @param {HTMLElement} button */
async function copy(button) {
  const field = byId(button.dataset.copy ?? '', HTMLInputElement);
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    toast('The link is copied.');
  } catch (fault) {
    toast(`It could not be copied: ${faultText(fault)} The link is selected, copy it by hand.`, 'danger');
  }
}

wireForms(document.body);
for (const button of document.querySelectorAll('[data-copy]')) {
  if (button instanceof HTMLElement) button.addEventListener('click', () => void copy(button));
}
keepLive({
  path: '/system',
  everyMs: EVERY_MS,
  onRead: ({ ok }) => {
    byId('live-state', HTMLElement).textContent = ok ? '' : 'The server does not answer; this page may be old.';
  },
});
