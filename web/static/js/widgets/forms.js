// Plain forms made safer: a question before what cannot be undone, a warning before leaving unsaved text.

import { element } from './elements.js';

/**
 * Asks in the page; resolves to whether the person agreed.
 * @param {string} question
 * @param {{agree?: string, danger?: boolean}} [words]
 * @returns {Promise<boolean>}
 */
export function ask(question, words = {}) {
  return asked(question, words, []);
}

/**
 * Asks for a reason in the page; resolves to its text, null when the person did not go on.
 * @param {string} question
 * @param {{agree?: string, danger?: boolean, label: string}} words
 * @returns {Promise<string | null>}
 */
export async function askReason(question, { label, ...words }) {
  // A space alone is no reason: the server would refuse it.
  const field = element('input', { id: 'asked-reason', type: 'text', required: true, maxlength: '2000', pattern: '.*\\S.*', autocomplete: 'off' });
  const named = element('div', { class: 'field' }, element('label', { for: 'asked-reason' }, label), field);
  return (await asked(question, words, [named])) ? field.value.trim() : null;
}

/**
 * @param {string} question
 * @param {{agree?: string, danger?: boolean}} words
 * @param {HTMLElement[]} fields of which the first has the focus; without any the agreeing button
 * @returns {Promise<boolean>}
 */
function asked(question, { agree = 'Yes', danger = false }, fields) {
  const yes = element('button', { class: danger ? 'button button-danger' : 'button button-primary', type: 'submit', value: 'yes' }, agree);
  const no = element('button', { class: 'button button-quiet', type: 'submit', value: 'no', formnovalidate: true }, 'Cancel');
  const form = element('form', { method: 'dialog', class: 'stack' }, element('p', {}, question), ...fields, element('div', { class: 'row' }, yes, no));
  const dialog = element('dialog', { 'aria-label': question }, form);
  document.body.append(dialog);
  dialog.showModal();
  (dialog.querySelector('input') ?? yes).focus();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(dialog.returnValue === 'yes');
    });
  });
}

/**
 * Wires every form below `root` by its data attributes: data-confirm, which asks for the field `reason` as well when
 * data-reason names it; data-guard; and selects with data-submits.
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
  if (form.dataset.reason === undefined) {
    if (await ask(form.dataset.confirm, { agree, danger })) form.submit();
    return;
  }
  const reason = await askReason(form.dataset.confirm, { agree, danger, label: form.dataset.reason });
  const field = form.elements.namedItem('reason');
  if (reason === null || !(field instanceof HTMLInputElement)) return;
  field.value = reason;
  form.submit();
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
