/**
 * Clean-up before it counts: what would be filled and dropped is shown in the image, and how small is small enough.
 *
 * @typedef {import('../state/workbench.js').Workbench} Workbench
 * @typedef {import('./controls.js').Run} Run
 */
import { areaOf } from '../geometry/raster.js';
import { wordButton } from './controls.js';
import { make, setAttributes, setText } from './elements.js';

/** The slider goes in steps of twice the area, from 2 to 65,536 px. */
const LEAST = 1;
const MOST = 16;

/**
 * @param {object} options
 * @param {HTMLElement} options.host
 * @param {Run} options.run
 * @param {(minArea: number) => void} options.setStrength
 * @returns {(bench: Workbench) => void}
 */
export function cleanUpBar({ host, run, setStrength }) {
  const words = make('p', { class: 'clean-words', attributes: { role: 'status' } });
  const slider = make('input', {
    attributes: { type: 'range', min: String(LEAST), max: String(MOST), step: '1', id: 'clean-strength' },
    on: { input: () => setStrength(2 ** Number(slider.value)) },
  });
  const number = make('output', { class: 'clean-number', attributes: { for: 'clean-strength' } });
  const label = make('label', { text: 'Smaller than', attributes: { for: 'clean-strength' } });
  const cancel = wordButton({ command: 'clear', text: 'Leave it', run, class: 'word word-quiet' });
  const apply = wordButton({ command: 'accept', text: 'Clean up', drawing: 'accept', run, class: 'word word-accept' });
  apply.disabled = true;
  host.append(words, make('div', { class: 'clean-acts' }, label, slider, number, cancel, apply));

  return ({ cleanUp }) => {
    host.hidden = cleanUp === null;
    apply.disabled = true;
    if (!cleanUp) return;
    const filled = areaOf(cleanUp.filled);
    const dropped = areaOf(cleanUp.dropped);
    const change = [filled ? `fills ${filled.toLocaleString('en')} px of holes` : '', dropped ? `drops ${dropped.toLocaleString('en')} px of specks` : ''];
    setText(words, filled + dropped ? `This ${change.filter(Boolean).join(' and ')}` : 'There are no holes or specks as small as this');
    const area = `${cleanUp.minArea.toLocaleString('en')} px`;
    setText(number, area);
    setAttributes(slider, { 'aria-valuetext': area });
    slider.value = String(Math.round(Math.log2(cleanUp.minArea)));
    apply.disabled = filled + dropped === 0;
  };
}
