/** Short messages at the edge of the screen. */
import { make } from './elements.js';

const STAY_MS = 4500;
const MOST = 3;

/**
 * @param {HTMLElement} host  with role="status"
 * @returns {(message: string, options?: {danger?: boolean, action?: {label: string, run: () => void}}) => void}
 */
export function toasts(host) {
  return (message, { danger = false, action } = {}) => {
    for (const old of host.children) if (old.firstChild?.textContent === message) old.remove();
    while (host.children.length >= MOST) host.firstElementChild?.remove();
    const toast = make('div', { class: danger ? 'toast toast-danger' : 'toast' }, make('span', { text: message }));
    if (action) {
      const run = () => {
        toast.remove();
        action.run();
      };
      toast.append(make('button', { text: action.label, attributes: { type: 'button' }, on: { click: run } }));
    }
    host.append(toast);
    setTimeout(() => toast.remove(), danger ? 2 * STAY_MS : STAY_MS);
  };
}
