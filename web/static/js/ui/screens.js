/**
 * What stands in the middle when there is no image to work on.
 *
 * @typedef {import('../state/workbench.js').Workbench} Workbench
 */
import { make, setText } from './elements.js';

/**
 * @param {object} options
 * @param {HTMLElement} options.host
 * @param {() => void} options.tryAgain
 * @param {string} options.home  address of the page of projects
 * @param {string | null} options.work  address of the images to annotate, where there is practice in their place
 * @returns {(bench: Workbench) => void}
 */
export function screens({ host, tryAgain, home, work }) {
  const drawing = make('div', { class: 'screen-drawing', attributes: { 'aria-hidden': 'true' } });
  const title = make('h2', { class: 'screen-title' });
  const words = make('p', { class: 'screen-words' });
  const again = make('button', {
    class: 'button button-primary',
    text: 'Look again',
    attributes: { type: 'button' },
    on: { click: tryAgain },
  });
  const back = make('a', { class: 'button', text: 'All projects', attributes: { href: home } });
  const acts = make('div', { class: 'screen-acts' }, again, back, work && make('a', { class: 'button', text: 'Start annotating', attributes: { href: work } }));
  host.append(drawing, title, words, acts);

  return ({ screen }) => {
    host.hidden = screen.kind === 'ready';
    host.dataset.kind = screen.kind;
    acts.hidden = screen.kind === 'opening';
    setText(again, screen.kind === 'failed' ? 'Try again' : 'Look again');
    setText(title, TITLES[screen.kind]);
    setText(words, screen.message);
  };
}

/** @type {Record<Workbench['screen']['kind'], string>} */
const TITLES = {
  opening: 'One moment',
  ready: '',
  nothing_left: 'All done here',
  failed: 'This did not work',
};
