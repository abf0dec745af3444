/**
 * How this person likes to see masks, kept on this device.
 *
 * @typedef {import('../../state/workbench.js').Workbench} Workbench
 */

const KEY = 'maskwright.view';

/** @returns {Partial<Workbench>} */
export function keptView() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? '{}');
    return {
      opacity: between(kept.opacity, 0, 1, 0.45),
      outlineOnly: kept.outlineOnly === true,
      previewOn: kept.previewOn !== false,
      panelOpen: kept.panelOpen !== false,
      brush: { size: Math.round(between(kept.brushSize, 1, 300, 24)), shape: kept.brushShape === 'square' ? 'square' : 'circle' },
    };
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof DOMException) return {};
    throw error;
  }
}

const KEPT = /** @type {const} */ (['opacity', 'outlineOnly', 'previewOn', 'panelOpen', 'brush']);

/**
 * @param {Workbench} bench
 * @param {Workbench} before
 */
export function keepView(bench, before) {
  if (KEPT.every((key) => bench[key] === before[key])) return;
  const { opacity, outlineOnly, previewOn, panelOpen, brush } = bench;
  const kept = { opacity, outlineOnly, previewOn, panelOpen, brushSize: brush.size, brushShape: brush.shape };
  try {
    localStorage.setItem(KEY, JSON.stringify(kept));
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
  }
}

/**
 * @param {unknown} value
 * @param {number} least
 * @param {number} most
 * @param {number} otherwise
 */
function between(value, least, most, otherwise) {
  return typeof value === 'number' && value >= least && value <= most ? value : otherwise;
}
