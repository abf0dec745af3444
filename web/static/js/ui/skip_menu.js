/** Skipping an image with a reason. */
import { make } from './elements.js';

/** @type {readonly (readonly [string, string, string])[]} code, label, explanation */
export const SKIP_REASONS = [
  ['nothing_to_annotate', 'Nothing to annotate', 'There is no object to mask'],
  ['unclear', 'Unclear', 'I cannot tell what belongs to an object'],
  ['broken_image', 'Broken image', 'The picture is damaged or not readable'],
  ['objectionable', 'Objectionable', 'I do not want to work on this picture'],
  ['other', 'Another reason', 'See the note'],
];

/**
 * @param {HTMLDialogElement} dialog
 * @param {(reason: string, note: string) => void} skip
 * @returns {() => void} opens it
 */
export function skipMenu(dialog, skip) {
  const note = make('input', {
    class: 'skip-note',
    attributes: { type: 'text', id: 'skip-note', maxlength: '2000', placeholder: 'Optional', autocomplete: 'off' },
  });
  const choose = (/** @type {string} */ reason) => {
    dialog.close();
    skip(reason, note.value.trim());
    note.value = '';
  };
  const buttons = SKIP_REASONS.map(([code, label, explanation], index) =>
    make(
      'button',
      { class: 'skip-reason', attributes: { type: 'button', 'data-reason': code }, on: { click: () => choose(code) } },
      make('span', { class: 'cap', text: String(index + 1) }),
      make('span', { class: 'skip-label', text: label }),
      make('span', { class: 'skip-explanation', text: explanation }),
    ),
  );
  dialog.setAttribute('aria-labelledby', 'skip-heading');
  dialog.append(
    make('h2', { text: 'Skip this image', attributes: { id: 'skip-heading' } }),
    make('p', { class: 'quiet small', text: 'Masks you have made stay saved. Choose a reason:' }),
    make('div', { class: 'skip-reasons' }, ...buttons),
    make('label', { class: 'label small', text: 'Note', attributes: { for: 'skip-note' } }),
    note,
  );
  dialog.addEventListener('click', (event) => event.target === dialog && dialog.close());
  dialog.addEventListener('keydown', (event) => {
    const reason = event.target === note ? undefined : SKIP_REASONS[Number(event.key) - 1];
    if (reason) choose(reason[0]);
  });
  return () => {
    if (dialog.open) return;
    dialog.showModal();
    buttons[0].focus();
  };
}
