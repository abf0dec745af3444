/**
 * What is behind the save chip: what has not reached the server, and what can be done about it.
 *
 * @typedef {import('../journal/journal.js').Journal} Journal
 */
import { make } from './elements.js';

const ALL_THERE = 'The server holds every mask that was made on this device.';

/**
 * @param {object} options
 * @param {HTMLDialogElement} options.dialog
 * @param {Journal} options.journal
 * @param {(message: string, options?: {danger?: boolean}) => void} options.say
 * @param {() => void} options.showAgain  the image with what the server holds
 * @param {(name: string, password: string) => Promise<boolean>} options.signIn  whether it is the same person as before
 * @returns {() => void} opens it
 */
export function saveDetails({ dialog, journal, say, showAgain, signIn }) {
  const form = signInForm(signIn, () => journal.signedIn());
  const file = make('input', {
    attributes: { type: 'file', accept: 'application/json,.json', hidden: true, 'aria-label': 'File of unsaved work' },
    on: { change: () => void load() },
  });
  dialog.setAttribute('aria-labelledby', 'save-heading');
  dialog.addEventListener('click', (event) => event.target === dialog && dialog.close());
  journal.addEventListener('state', () => dialog.open && show());
  const show = () => {
    // A password that is being typed is not swept away by what the journal has to tell.
    if (journal.state.signInNeeded && form.contains(document.activeElement)) return;
    dialog.replaceChildren(...parts());
  };
  return () => {
    show();
    dialog.showModal();
    if (journal.state.signInNeeded) form.querySelector('input')?.focus();
  };

  function parts() {
    const { kind, count, message, signInNeeded, problems } = journal.state;
    const heading = make('h2', { text: signInNeeded ? 'Your session has ended' : titleOf(kind, count), attributes: { id: 'save-heading' } });
    const words = make('p', { class: 'quiet', text: problems.length ? 'It is safe on this device. Say for each mask what shall become of it.' : kind === 'saved' ? ALL_THERE : message });
    const acts = make(
      'div',
      { class: 'save-acts' },
      ...(kind !== 'saved' ? [button('Download unsaved work', () => void download())] : []),
      button('Load unsaved work from a file', () => file.click()),
      file,
      button('Close', () => dialog.close()),
    );
    return [heading, words, ...(signInNeeded ? [form] : []), ...problems.map(problemBox), acts];
  }

  async function load() {
    const [chosen] = file.files ?? [];
    if (!chosen) return;
    try {
      const count = await journal.importUnsaved(await chosen.text());
      say(count === 1 ? 'One mask was loaded and is on its way' : `${count} masks were loaded and are on their way`);
      dialog.close();
      showAgain();
    } catch (error) {
      say(error instanceof Error ? error.message : String(error), { danger: true });
    }
    file.value = '';
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

/**
 * Signing in without leaving the image.
 *
 * @param {(name: string, password: string) => Promise<boolean>} signIn
 * @param {() => void} signedIn
 */
function signInForm(signIn, signedIn) {
  const name = make('input', { attributes: { type: 'text', id: 'again-name', autocomplete: 'username', required: true, maxlength: '80' } });
  const password = make('input', { attributes: { type: 'password', id: 'again-password', autocomplete: 'current-password', required: true, maxlength: '256' } });
  const fault = make('p', { class: 'fault', attributes: { role: 'alert' } });
  const send = make('button', { class: 'button button-primary', text: 'Sign in', attributes: { type: 'submit' } });
  const form = make(
    'form',
    { class: 'save-sign-in', on: { submit: (event) => void submit(event) } },
    make('p', { text: 'Sign in here: nothing is lost, and the image stays as it is.' }),
    field('Name', name),
    field('Password', password),
    fault,
    send,
  );
  return form;

  /** @param {SubmitEvent} event */
  async function submit(event) {
    event.preventDefault();
    fault.textContent = '';
    send.disabled = true;
    try {
      const isSame = await signIn(name.value.trim(), password.value);
      password.value = '';
      send.focus();
      if (isSame) signedIn();
      else location.reload(); // what is unsaved stays here for the person who made it
    } catch (error) {
      fault.textContent = error instanceof Error ? error.message : String(error);
      password.focus();
    }
    send.disabled = false;
  }
}

/**
 * @param {string} words
 * @param {HTMLInputElement} input
 */
const field = (words, input) => make('div', { class: 'field' }, make('label', { text: words, attributes: { for: input.id } }), input);
