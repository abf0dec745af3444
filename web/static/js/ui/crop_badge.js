/**
 * The badge over the image that says whether the model looks at the part that is shown, and switches that off and on.
 *
 * @typedef {import('../state/workbench.js').Workbench} Workbench
 */
import { setAttributes, setText } from './elements.js';

const USED = 'The model looks at this part of the image on its own, so that it sees small things. Press to have it look at the whole image';
const OFF = 'The model looks at the whole image, where small things are hard to see. Press to have it look at the part that is shown';

/**
 * @param {object} options
 * @param {HTMLElement} options.host  a button
 * @param {(cropsOn: boolean) => void} options.set
 * @returns {(bench: Workbench) => void}
 */
export function cropBadge({ host, set }) {
  host.addEventListener('click', () => set(host.getAttribute('aria-pressed') !== 'true'));
  return ({ crop, screen }) => {
    host.hidden = crop === null || screen.kind !== 'ready';
    setText(host, crop === 'off' ? 'Zoomed model view off' : 'Zoomed model view');
    setAttributes(host, { 'aria-pressed': String(crop === 'used'), title: crop === 'off' ? OFF : USED });
  };
}
