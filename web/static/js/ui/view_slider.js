/**
 * A slider for how picture and masks are seen.
 *
 * @typedef {import('../state/workbench.js').Workbench} Workbench
 */
import { FIRST } from '../state/workbench.js';
import { make, setText } from './elements.js';

/**
 * @param {'opacity' | 'brightness' | 'contrast'} name
 * @param {string} words
 * @param {{least: number, most: number}} range  percent
 * @param {(share: number) => void} set
 */
export function viewSlider(name, words, { least, most }, set) {
  const slider = make('input', {
    attributes: { type: 'range', min: String(least), max: String(most), step: '5', id: name },
    on: { input: () => set(Number(slider.value) / 100), dblclick: () => set(FIRST[name]) },
  });
  const number = make('output', { class: 'panel-number', attributes: { for: name } });
  const label = make('label', { text: words, title: 'Double-click the slider to set it back', attributes: { for: name } });
  return {
    row: make('div', { class: 'panel-slider' }, label, slider, number),
    /** @param {Workbench} bench */
    show(bench) {
      const percent = String(Math.round(bench[name] * 100));
      if (slider.value !== percent) slider.value = percent;
      setText(number, `${percent} %`);
    },
  };
}
