// Buttons that copy what stands in a field: <button data-copy="id of the field">.

import { byId } from './elements.js';
import { faultText, toast } from './toasts.js';

/** Wires every such button of the page. */
export function wireCopyButtons() {
  for (const button of document.querySelectorAll('[data-copy]')) {
    if (button instanceof HTMLElement) button.addEventListener('click', () => void copy(button));
  }
}

/** @param {HTMLElement} button */
async function copy(button) {
  const field = byId(button.dataset.copy ?? '', HTMLInputElement);
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    toast('Copied.');
  } catch (fault) {
    toast(`It could not be copied: ${faultText(fault)} The text is selected, copy it by hand.`, 'danger');
  }
}
