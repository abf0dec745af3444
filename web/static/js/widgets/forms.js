// Plain forms made safer: a question before what cannot be undone, a warning before leaving unsaved text.

import { element } from './elements.js';

/**
 * Asks in the page; resolves to whether the person agreed.
 * @param {string} question
 * @param {{agree?: string, danger?: boolean}} [words]
 * @returns {Promise<boolean>}
 */
export function ask(question, { agree = 'Yes', danger = false } = {}) {
  const yes = element('button', { class: danger ? 'button button-danger' : 'button button-primary', type: 'submit', value: 'yes' }, agree);
  const no = element('button', { class: 'button button-quiet', type: 'submit', value: 'no', formnovalidate: true }, 'Cancel');
  const form = element('form', { method: 'dialog', class: 'stack' }, element('p', {}, question), element('div', { class: 'row' }, yes, no));
  const dialog = element('dialog', { 'aria-label': question }, form);
  document.body.append(dialog);
  dialog.showModal();
  yes.focus();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(dialog.returnValue === 'yes');
    });
  });
}

/**
 * Wires every form below `root` by its data attributes: data-confirm, data-guard, and selects with data-submits.
 * Listens on `root`, so that forms which arrive later are covered.
 * @param {HTMLElement} root
 */
export function wireForms(root) {
  root.addEventListener('submit', (event) => void confirmed(event));
  root.addEventListener('change', (event) => {
    const changed = event.target;
    if (changed instanceof HTMLSelectElement && changed.hasAttribute('data-submits')) changed.form?.requestSubmit();
  });
  for (const form of root.querySelectorAll('form[data-guard]')) {
    if (form instanceof HTMLFormElement) guardUnsaved(form);
  }
}

/** @param {SubmitEvent} event */
async function confirmed(event) {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || form.dataset.confirm === undefined) return;
  event.preventDefault();
  const agree = event.submitter?.textContent?.trim() || 'Yes';
  const danger = event.submitter?.classList.contains('button-danger') ?? false;
  if (await ask(form.dataset.confirm, { agree, danger })) form.submit();
}

/** @param {HTMLFormElement} form */
function guardUnsaved(form) {
  const state = { unsaved: false };
  form.addEventListener('input', () => (state.unsaved = true));
  form.addEventListener('submit', () => (state.unsaved = false));
  addEventListener('beforeunload', (event) => {
    if (state.unsaved) event.preventDefault();
  });
}

/**
 * Opens a dialog by a button, closes it by its [data-close]; opens at once when it has data-open.
 * @param {HTMLDialogElement} dialog
 * @param {HTMLElement} opener
 */
export function wireDialog(dialog, opener) {
  opener.addEventListener('click', () => dialog.showModal());
  for (const close of dialog.querySelectorAll('[data-close]')) close.addEventListener('click', () => dialog.close());
  if (dialog.hasAttribute('data-open')) dialog.showModal();
}
