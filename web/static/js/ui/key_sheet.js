/**
 * The sheet of all keys, and the place where a person changes them.
 *
 * @typedef {import('../state/keys.js').Keys} Keys
 *
 * @typedef {object} KeySheetOptions
 * @property {HTMLDialogElement} dialog
 * @property {() => Keys} keys
 * @property {(keys: Keys) => void} setKeys
 * @property {HTMLElement} kept  says where the keys are kept
 */
import { COMMANDS, labelOf, PRESETS, presetOf, refusal, withKey, withoutKey } from '../state/keys.js';
import { make, setText } from './elements.js';
import { chordsOf, GESTURES, keyCap } from './keymap.js';

const GROUPS = ['Pointer', 'Masks', 'Candidates', 'Tools', 'View', 'Images', 'Help'];
const OWN = 'own';

/**
 * @param {KeySheetOptions} options
 * @returns {() => void} opens the sheet, or closes it when it is open
 */
export function keySheet(options) {
  const { dialog } = options;
  const sheet = new KeySheet(options);
  dialog.addEventListener('click', (event) => event.target === dialog && dialog.close());
  dialog.addEventListener('keydown', (event) => sheet.pressed(event), true);
  dialog.addEventListener('close', () => sheet.rest());
  return () => {
    if (dialog.open) return dialog.close();
    sheet.rest();
    dialog.showModal();
  };
}

class KeySheet {
  #options;
  #changing = false;
  /** The command that waits for a key. @type {string | null} */
  #waiting = null;
  #groups = make('div', { class: 'sheet-groups' });
  #words = make('p', { class: 'sheet-words', attributes: { role: 'status' } });
  #change = button('Change keys', () => this.#toggle());
  #presets = make('select', { attributes: { id: 'key-preset' }, on: { change: () => this.#takePreset() } });
  #own = make('option', { text: 'Your own', attributes: { value: OWN } });

  /** @param {KeySheetOptions} options */
  constructor(options) {
    this.#options = options;
    const { dialog, kept } = options;
    dialog.setAttribute('aria-labelledby', 'keys-heading');
    this.#presets.append(...PRESETS.map(({ id, name }) => make('option', { text: name, attributes: { value: id } })), this.#own);
    const head = make(
      'div',
      { class: 'sheet-head' },
      make('h2', { text: 'Keys', attributes: { id: 'keys-heading' } }),
      make('label', { class: 'sheet-preset', attributes: { for: 'key-preset' } }, 'Set of keys', this.#presets),
      this.#change,
      button('Close', () => dialog.close()),
    );
    dialog.append(make('div', { class: 'sheet-top' }, head, this.#words, kept), this.#groups);
  }

  /** Show the keys as they are, nothing being changed. */
  rest() {
    this.#changing = false;
    this.#waiting = null;
    this.#show('');
  }

  /** @param {KeyboardEvent} event */
  pressed(event) {
    const id = this.#waiting;
    if (id === null || event.isComposing) return;
    event.preventDefault();
    event.stopPropagation();
    const [chord] = chordsOf(event);
    if (chord === undefined) return;
    if (chord === 'Escape' && !this.#isFree(id, chord)) return this.#wait(null, '');
    const { keys, setKeys } = this.#options;
    const reason = refusal(keys(), id, chord);
    if (reason) return this.#wait(id, `${keyCap(chord)}: ${reason}`, true);
    setKeys(withKey(keys(), id, chord));
    this.#wait(null, `${keyCap(chord)} is now a key of “${labelOf(id)}”.`);
  }

  /**
   * Esc ends the waiting; only the command whose first key it is gets it back, when no other has it.
   *
   * @param {string} id
   * @param {string} chord
   */
  #isFree(id, chord) {
    const isFirst = COMMANDS.some((one) => one.id === id && one.keys.includes(chord));
    return isFirst && refusal(this.#options.keys(), id, chord) === null;
  }

  #toggle() {
    this.#changing = !this.#changing;
    this.#waiting = null;
    this.#show(this.#changing ? 'Take a key away by clicking it, or add one. Changes count at once; of two browsers, the last change counts.' : '');
    this.#change.focus();
  }

  #takePreset() {
    const chosen = PRESETS.find(({ id }) => id === this.#presets.value);
    if (!chosen) return this.#show('Your own set comes about when you change a key.');
    this.#options.setKeys(chosen.keys);
    this.#waiting = null;
    this.#show(`The keys are now set: ${chosen.name}.`);
  }

  /**
   * @param {string | null} id
   * @param {string} words
   * @param {boolean} [refused]
   */
  #wait(id, words, refused = false) {
    const before = this.#waiting;
    this.#waiting = id;
    this.#show(words);
    this.#words.classList.toggle('fault', refused);
    this.#focusOn(id ?? before);
  }

  /** @param {string | null} id */
  #focusOn(id) {
    const add = this.#groups.querySelector(`[data-adds="${id}"]`);
    if (add instanceof HTMLElement) add.focus();
  }

  /** @param {string} words */
  #show(words) {
    const keys = this.#options.keys();
    setText(this.#words, words);
    this.#words.classList.remove('fault');
    setText(this.#change, this.#changing ? 'Done' : 'Change keys');
    const preset = presetOf(keys);
    this.#own.hidden = preset !== null;
    this.#presets.value = preset?.id ?? OWN;
    this.#groups.toggleAttribute('data-changing', this.#changing);
    this.#groups.replaceChildren(...GROUPS.map((name) => this.#group(name, keys)));
  }

  /**
   * @param {string} name
   * @param {Keys} keys
   */
  #group(name, keys) {
    const commands = COMMANDS.filter((one) => one.group === name);
    const gestures = GESTURES.filter((one) => one.group === name);
    const rows = [
      ...commands.map(({ id, label }) => row(label, this.#changing ? this.#editor(id, keys[id]) : caps(keys[id].slice(0, 2)))),
      ...gestures.map(({ label, keys: hands }) => row(label, caps(hands))),
    ];
    return make('section', { class: 'sheet-group' }, make('h3', { text: name }), make('dl', {}, ...rows));
  }

  /**
   * @param {string} id
   * @param {readonly string[]} chords
   */
  #editor(id, chords) {
    const { keys, setKeys } = this.#options;
    const take = (/** @type {string} */ chord) => {
      setKeys(withoutKey(keys(), id, chord));
      this.#waiting = null;
      this.#show(`“${labelOf(id)}” no longer has the key ${keyCap(chord)}.`);
      this.#focusOn(id);
    };
    const waits = this.#waiting === id;
    const add = make('button', {
      class: 'key-add',
      text: waits ? 'Press a key' : 'Add',
      title: waits ? 'Esc leaves it as it is' : '',
      attributes: { type: 'button', 'data-adds': id, 'aria-pressed': String(waits), 'aria-label': waits ? null : `Add a key to ${labelOf(id)}` },
      on: { click: () => this.#wait(waits ? null : id, waits ? '' : `Press the key for “${labelOf(id)}”; Esc leaves it as it is.`) },
    });
    const taken = chords.map((chord) =>
      make(
        'button',
        { class: 'key-take', attributes: { type: 'button', 'aria-label': `Take ${keyCap(chord)} away from ${labelOf(id)}` }, on: { click: () => take(chord) } },
        make('kbd', { text: keyCap(chord) }),
        make('span', { text: '×', attributes: { 'aria-hidden': 'true' } }),
      ),
    );
    return [...taken, add];
  }
}

/**
 * @param {string} label
 * @param {(Node | string)[]} keys
 */
const row = (label, keys) => make('div', { class: 'sheet-row' }, make('dt', { text: label }), make('dd', {}, ...keys));

/**
 * @param {readonly string[]} chords
 * @returns {(Node | string)[]}
 */
function caps(chords) {
  if (chords.length === 0) return ['No key'];
  return chords.flatMap((chord, i) => [...(i ? [' or '] : []), make('kbd', { text: keyCap(chord) })]);
}

/**
 * @param {string} text
 * @param {() => void} run
 */
const button = (text, run) => make('button', { class: 'button button-small', text, attributes: { type: 'button' }, on: { click: run } });
