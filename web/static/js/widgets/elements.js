// Building and finding elements, so that data only ever becomes text.

/**
 * @typedef {Record<string, string | number | boolean | null | undefined>} Attributes
 * @typedef {Node | string | number | null | undefined} Child
 */

/**
 * Makes an element. `true` writes an empty attribute; false, null and undefined write none.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(name, '');
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, String(value));
  }
  append(made, children);
  return made;
}

/**
 * Makes an SVG element.
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} [attributes]
 * @param {...Child} children
 * @returns {SVGElementTagNameMap[Tag]}
 */
export function drawing(tag, attributes = {}, ...children) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) made.setAttribute(name, String(value));
  }
  append(made, children);
  return made;
}

/**
 * @param {Element} parent
 * @param {Child[]} children
 */
function append(parent, children) {
  for (const child of children) {
    if (child === null || child === undefined) continue;
    parent.append(child instanceof Node ? child : String(child));
  }
}

/**
 * The element of that id; a page without it is a fault of ours.
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 */
export function byId(id, type) {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`The page has no ${type.name} with id ${id}.`);
  return found;
}

/**
 * Replaces what `parent` holds.
 * @param {Element} parent
 * @param {...Child} children
 */
export function fill(parent, ...children) {
  parent.replaceChildren();
  append(parent, children);
}

/**
 * A chip: a word with a mark; tones are in base.css.
 * @param {string} text
 * @param {'' | 'ok' | 'active' | 'film' | 'danger'} [tone]
 * @returns {HTMLElement}
 */
export function chip(text, tone = '') {
  return element('span', { class: tone ? `chip chip-${tone}` : 'chip' }, text);
}

/**
 * A progress bar.
 * @param {number} share 0 to 1
 * @param {string} label what it measures, for screen readers
 * @param {'' | 'film' | 'danger'} [tone]
 * @returns {HTMLProgressElement}
 */
export function bar(share, label, tone = '') {
  const kept = Math.min(1, Math.max(0, Number.isFinite(share) ? share : 0));
  return element('progress', { class: tone ? `bar bar-${tone}` : 'bar', value: kept, max: 1, 'aria-label': label });
}
