import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { changedKeys, COMMANDS, commandFor, FIRST_KEYS, keysFrom, PRESETS, presetOf, refusal, withKey, withoutKey } from '../../web/static/js/state/keys.js';
import { belongsToControl, chordsOf, GESTURES, keyCap } from '../../web/static/js/ui/keymap.js';

/** @param {string} key @param {object} [held] @returns {string | null} the command of a press */
function press(key, held = {}) {
  const chords = chordsOf({ key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...held });
  return chords.map((chord) => commandFor(FIRST_KEYS, chord)).find((id) => id !== null) ?? null;
}

test('keys are read the same on every keyboard', () => {
  assert.equal(press('Z', { ctrlKey: true, shiftKey: true }), 'redo');
  assert.equal(press('z', { metaKey: true }), 'undo');
  assert.equal(press('?', { shiftKey: true }), 'keys');
  assert.equal(press(' ', { ctrlKey: true }), 'skip');
  assert.equal(press('Tab', { shiftKey: true }), 'candidate_previous');
  assert.equal(press('n'), 'accept');
  assert.equal(press('т', { code: 'KeyN' }), 'accept', 'a Cyrillic layout');
  assert.equal(press('=', { shiftKey: true, code: 'Digit0' }), 'zoom_in', 'a German layout');
  assert.equal(press('b', { ctrlKey: true }), null);
  assert.equal(press('Shift', { shiftKey: true }), null);
});

test('a digit with Shift has the same name on every keyboard', () => {
  const chords = ['!', '1', '&'].map((key) => chordsOf({ key, code: 'Digit1', ctrlKey: false, metaKey: false, altKey: false, shiftKey: true })[0]);
  assert.deepEqual(chords, ['Shift+1', '1', 'Shift+1'], 'on a French keyboard the digit itself needs Shift');
});

test('key caps are short and readable', () => {
  assert.deepEqual(['+', 'Ctrl+Shift+Z', 'Escape', 'Ctrl++'].map(keyCap), ['+', 'Ctrl Shift Z', 'Esc', 'Ctrl +']);
});

test('in every set of keys each command can have its keys, and no key means two things', () => {
  for (const { name, keys } of PRESETS) {
    assert.deepEqual(keysFrom(changedKeys(keys)), keys, name);
    const all = Object.values(keys).flat();
    assert.equal(new Set(all).size, all.length, name);
    for (const { id } of COMMANDS) for (const chord of keys[id]) assert.equal(refusal(withoutKey(keys, id, chord), id, chord), null, `${name}: ${chord}`);
  }
});

test('a key that is taken, kept by the browser or used otherwise is refused with the reason', () => {
  assert.match(refusal(FIRST_KEYS, 'accept', 'B') ?? '', /belongs to “Brush”/);
  assert.match(refusal(FIRST_KEYS, 'accept', 'N') ?? '', /already/);
  assert.match(refusal(FIRST_KEYS, 'accept', 'Ctrl+W') ?? '', /closes the tab/);
  assert.match(refusal(FIRST_KEYS, 'accept', 'ArrowUp') ?? '', /crosshair/);
  assert.match(refusal(FIRST_KEYS, 'accept', 'Space') ?? '', /move the image/);
  assert.match(refusal(FIRST_KEYS, 'accept', 'Ctrl+Alt+G') ?? '', /Alt swaps/);
  assert.equal(refusal(FIRST_KEYS, 'accept', 'Y'), null);
});

test('what a person changed is kept, and goes before the first keys of other commands', () => {
  const own = withKey(withoutKey(withoutKey(FIRST_KEYS, 'tool_brush', 'B'), 'next', 'D'), 'next', 'B');
  assert.equal(presetOf(own), null);
  assert.deepEqual(keysFrom(JSON.parse(JSON.stringify(changedKeys(own)))), own);
  const older = keysFrom({ accept: ['B', 'Ctrl+W', 7], gone: ['Y'] });
  assert.deepEqual([older.accept, older.tool_brush, older.gone], [['B'], [], undefined]);
  for (const nothing of [null, 'x', {}]) assert.deepEqual(keysFrom(nothing), FIRST_KEYS);
});

/** @param {string[]} selectors */
const focusOn = (...selectors) => /** @type {Element} */ (/** @type {unknown} */ ({ matches: (/** @type {string} */ query) => query.split(', ').some((part) => selectors.includes(part)) }));

test('Enter on a button presses the button, everywhere else it accepts', () => {
  assert.equal(belongsToControl('Enter', { element: focusOn('button'), hasCandidates: false }), true);
  assert.equal(belongsToControl('Enter', { element: focusOn(), hasCandidates: false }), false);
});

test('Tab walks through the page unless candidates wait for a choice', () => {
  assert.equal(belongsToControl('Tab', { element: focusOn(), hasCandidates: false }), true);
  assert.equal(belongsToControl('Tab', { element: focusOn(), hasCandidates: true }), false);
  assert.equal(belongsToControl('Tab', { element: focusOn('button'), hasCandidates: true }), true);
});

test('the page of keys names every command with all its first keys', () => {
  const page = readFileSync(new URL('../../docs/keys.md', import.meta.url), 'utf8');
  for (const { label, keys } of [...COMMANDS, ...GESTURES]) {
    const written = keys.map((key) => `\`${key.length > 1 ? key.replaceAll('+', ' + ') : key}\``).join(' or ');
    assert.ok(page.includes(`| ${label} | ${written} |`), `docs/keys.md lacks: ${label}, ${written}`);
  }
});
