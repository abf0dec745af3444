/**
 * The project's guidelines beside the image. The image stays in reach of the hand.
 *
 * @typedef {import('./controls.js').Run} Run
 */
import { iconButton } from './controls.js';
import { make } from './elements.js';

/**
 * @param {object} options
 * @param {HTMLElement} options.host
 * @param {() => Promise<string>} options.html  the server's own, read anew whenever the panel opens
 * @param {Run} options.run
 * @returns {() => void} opens the panel, or closes it
 */
export function guidelines({ host, html, run }) {
  const close = iconButton({ command: 'guidelines', drawing: 'clear', run, class: 'panel-close', label: 'Close the guidelines' });
  const words = make('div', { class: 'guidelines-words', attributes: { tabindex: '0', role: 'region', 'aria-label': 'Text of the guidelines' } });
  host.append(make('div', { class: 'panel-head' }, make('h2', { class: 'panel-heading', text: 'Guidelines' }), close), words);
  host.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return;
    event.stopPropagation();
    run('guidelines');
  });
  return () => {
    host.hidden = !host.hidden;
    if (!host.hidden) void read();
  };

  async function read() {
    try {
      words.replaceChildren(...parts(await html()));
    } catch (error) {
      if (words.childElementCount > 0) return; // what was read before is better than nothing
      const reason = error instanceof Error ? error.message : String(error);
      words.replaceChildren(make('p', { text: `The guidelines cannot be read now: ${reason}` }));
    }
  }
}

/**
 * @param {string} html  scripts in it cannot run (CSP), and none are there
 * @returns {Node[]}
 */
function parts(html) {
  if (html) return [...new DOMParser().parseFromString(html, 'text/html').body.childNodes].map((part) => document.adoptNode(part));
  return [
    make('p', { class: 'panel-empty-title', text: 'Nothing special here' }),
    make('p', { text: 'The manager has written no guidelines: mask everything you can see.' }),
  ];
}
