// Short messages at the corner of the page.

import { byId, element } from './elements.js';

const STAY_MS = 7000;

/**
 * Says something once; a fault stays until it is closed.
 * @param {string} text
 * @param {'plain' | 'danger'} [tone]
 */
export function toast(text, tone = 'plain') {
  const close = element('button', { type: 'button', 'aria-label': 'Close this message' }, 'Close');
  const made = element('div', { class: tone === 'danger' ? 'toast toast-danger' : 'toast' }, element('span', {}, text), close);
  close.addEventListener('click', () => made.remove());
  byId('toasts', HTMLElement).append(made);
  if (tone === 'plain') setTimeout(() => made.remove(), STAY_MS);
}

/**
 * Says above the page that reading it failed, or takes that back.
 * @param {string | null} what could not be read; null when all was
 * @param {unknown} [fault]
 */
export function showReadingFault(what, fault) {
  const shown = byId('fault', HTMLElement);
  shown.hidden = what === null;
  if (what !== null) shown.textContent = `The ${what} could not be read: ${faultText(fault)} They are asked again by themselves.`;
}

/**
 * What a fault says to a person.
 * @param {unknown} fault
 * @returns {string}
 */
export function faultText(fault) {
  return fault instanceof Error ? fault.message : String(fault);
}
