/**
 * What is behind the save chip: what has not reached the server, and what can be done about it.
 *
 * @typedef {import('../journal/journal.js').Journal} Journal
 */
import { make } from './elements.js';

/**
 * @param {HTMLDialogElement} dialog
 * @param {Journal} journal
 * @param {(message: string, options?: {danger?: boolean}) => void} say
 * @param {() => void} showAgain  the image with what the server holds
 * @returns {() => void} opens it
 */
export function saveDetails(dialog, journal, say, showAgain) {
  dialog.setAttribute('aria-labelledby', 'save-heading');
  dialog.addEventListener('click', (event) => event.target === dialog && dialog.close());
  journal.addEventListener('state', () => dialog.open && show());
  const show = () => dialog.replaceChildren(...parts());
  return () => {
    show();
    dialog.showModal();
  };

  function parts() {
    const { kind, count, message, signInNeeded, problems } = journal.state;
    const heading = make('h2', { text: titleOf(kind, count), attributes: { id: 'save-heading' } });
    const words = make('p', { class: 'quiet', text: problems.length ? 'It is safe on this device. Say for each mask what shall become of it.' : message });
    return [
      heading,
      words,
      ...(signInNeeded ? [signIn()] : []),
      ...problems.map(problemBox),
      make('div', { class: 'save-acts' }, button('Download unsaved work', () => void download()), button('Close', () => dialog.close())),
    ];
  }

  function signIn() {
    const link = make('a', { class: 'button button-primary', text: 'Sign in in a new tab', attributes: { href: '/sign-in', target: '_blank' } });
    return make('div', { class: 'save-acts' }, link, button('I have signed in', () => journal.signedIn()));
  }

  /** @param {import('../journal/journal.js').Problem} problem */
  function problemBox({ mask, status, message, currentVersion, keptByServer }) {
    const choose = (/** @type {'mine' | 'theirs'} */ choice) => async () => {
      try {
        await journal.resolve(mask, choice);
        if (choice === 'theirs') showAgain();
      } catch (error) {
        say(error instanceof Error ? error.message : String(error), { danger: true });
      }
    };
    const isConflict = status === 412 && currentVersion !== null;
    const words = keptByServer ? ['Send it again', 'Leave it as a draft'] : ['Keep mine', currentVersion === null ? 'Drop mine' : "Take the server's"];
    return make(
      'div',
      { class: 'note note-danger save-problem' },
      make('p', { text: isConflict ? 'This mask was changed elsewhere since you opened it here.' : message }),
      make('div', { class: 'save-acts' }, button(words[0], choose('mine')), button(words[1], choose('theirs'))),
    );
  }

  async function download() {
    const url = URL.createObjectURL(await journal.downloadUnsaved());
    make('a', { attributes: { href: url, download: 'maskwright-unsaved.json' } }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  }
}

/**
 * @param {string} kind
 * @param {number} count
 */
function titleOf(kind, count) {
  if (kind === 'saved') return 'Everything is saved';
  if (kind === 'saving') return 'Saving';
  if (kind === 'attention') return 'Some work needs your attention';
  return count === 1 ? '1 change is only on this device' : `${count} changes are only on this device`;
}

/**
 * @param {string} text
 * @param {() => void} run
 */
function button(text, run) {
  return make('button', { class: 'button button-small', text, attributes: { type: 'button' }, on: { click: run } });
}
