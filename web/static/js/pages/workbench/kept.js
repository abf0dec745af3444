/** Small things kept in this browser. What cannot be read or written counts as absent: it is nobody's work. */

/**
 * @param {string} name
 * @returns {Record<string, unknown>} empty when nothing readable is kept
 */
export function readKept(name) {
  try {
    const kept = JSON.parse(localStorage.getItem(name) ?? '{}');
    return kept && typeof kept === 'object' ? kept : {};
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof DOMException) return {};
    throw error;
  }
}

/**
 * @param {string} name
 * @param {object} value
 */
export function writeKept(name, value) {
  try {
    localStorage.setItem(name, JSON.stringify(value));
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
  }
}
