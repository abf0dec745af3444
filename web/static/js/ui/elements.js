/**
 * Building elements. Text goes in as text, never as markup.
 *
 * @typedef {object} Parts
 * @property {string} [class]
 * @property {string} [text]
 * @property {string} [title]
 * @property {Record<string, string | boolean | null | undefined>} [attributes]  false, null: absent; true: empty
 * @property {Record<string, (event: any) => void>} [on]
 */

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Parts} [parts]
 * @param {...(Node | string | null)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, parts = {}, ...children) {
  const element = document.createElement(tag);
  if (parts.class) element.className = parts.class;
  if (parts.text !== undefined) element.textContent = parts.text;
  if (parts.title) element.title = parts.title;
  setAttributes(element, parts.attributes ?? {});
  for (const [event, listener] of Object.entries(parts.on ?? {})) element.addEventListener(event, listener);
  element.append(...children.filter((child) => child !== null));
  return element;
}

/**
 * @param {Element} element
 * @param {Record<string, string | boolean | null | undefined>} attributes
 */
export function setAttributes(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    const wanted = value === true ? '' : value;
    if (wanted === false || wanted === null || wanted === undefined) element.removeAttribute(name);
    else if (element.getAttribute(name) !== wanted) element.setAttribute(name, wanted);
  }
}

/**
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`The page has no element "${id}"`);
  return element;
}
