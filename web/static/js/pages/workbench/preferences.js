/**
 * How this person likes to see masks, kept on this device.
 *
 * @typedef {import('../../state/workbench.js').Workbench} Workbench
 */
import { readKept, writeKept } from './kept.js';
import { keysHere } from './own_keys.js';

const VIEW = 'maskwright.view';

/** @param {string} person  UUID; several may share this device */
const tutorialName = (person) => `maskwright.tutorial.${person}`;

/**
 * @param {string} person
 * @returns {boolean} whether this person has had the tutorial in this browser
 */
export const hadTutorial = (person) => readKept(tutorialName(person)).had === true;

/** @param {string} person */
export const keepTutorial = (person) => writeKept(tutorialName(person), { had: true });

/** Whether the list of masks is open in a window that has room for it. */
export const keptPanel = () => readKept(VIEW).panelOpen !== false;

/**
 * @param {string} person
 * @returns {Partial<Workbench>}
 */
export function keptView(person) {
  const kept = readKept(VIEW);
  return {
    opacity: between(kept.opacity, 0, 1, 0.45),
    outlineOnly: kept.outlineOnly === true,
    brightness: between(kept.brightness, 0.5, 2, 1),
    contrast: between(kept.contrast, 0.5, 2, 1),
    previewOn: kept.previewOn !== false,
    cropsOn: kept.cropsOn !== false,
    panelOpen: keptPanel(),
    grain: typeof kept.grain === 'number' ? kept.grain : null,
    brush: { size: Math.round(between(kept.brushSize, 1, 300, 24)), shape: kept.brushShape === 'square' ? 'square' : 'circle' },
    keys: keysHere(person),
  };
}

const KEPT = /** @type {const} */ (['opacity', 'outlineOnly', 'brightness', 'contrast', 'previewOn', 'cropsOn', 'panelOpen', 'grain', 'brush']);

/**
 * @param {Workbench} bench
 * @param {Workbench} before
 * @param {boolean} isNarrow  the window, where the list of masks comes and goes: that is no habit to keep
 */
export function keepView(bench, before, isNarrow) {
  if (KEPT.every((key) => bench[key] === before[key])) return;
  const { opacity, outlineOnly, brightness, contrast, previewOn, cropsOn, grain, brush } = bench;
  const panelOpen = isNarrow ? keptPanel() : bench.panelOpen;
  writeKept(VIEW, { opacity, outlineOnly, brightness, contrast, previewOn, cropsOn, panelOpen, grain, brushSize: brush.size, brushShape: brush.shape });
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
