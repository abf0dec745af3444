/**
 * How this person likes to see masks, and the keys chosen, kept on this device.
 *
 * @typedef {import('../../state/workbench.js').Workbench} Workbench
 */
import { changedKeys, keysFrom } from '../../state/keys.js';

const VIEW = 'maskwright.view';

/** @param {string} person  UUID; several may share this device */
const keysName = (person) => `maskwright.keys.${person}`;

/** @param {string} person */
const tutorialName = (person) => `maskwright.tutorial.${person}`;

/**
 * @param {string} person
 * @returns {boolean} whether this person has had the tutorial in this browser
 */
export const hadTutorial = (person) => read(tutorialName(person)).had === true;

/** @param {string} person */
export const keepTutorial = (person) => write(tutorialName(person), { had: true });

/**
 * @param {string} person
 * @returns {Partial<Workbench>}
 */
export function keptView(person) {
  const kept = read(VIEW);
  return {
    opacity: between(kept.opacity, 0, 1, 0.45),
    outlineOnly: kept.outlineOnly === true,
    brightness: between(kept.brightness, 0.5, 2, 1),
    contrast: between(kept.contrast, 0.5, 2, 1),
    previewOn: kept.previewOn !== false,
    panelOpen: kept.panelOpen !== false,
    brush: { size: Math.round(between(kept.brushSize, 1, 300, 24)), shape: kept.brushShape === 'square' ? 'square' : 'circle' },
    keys: keysFrom(read(keysName(person))),
  };
}

/**
 * @param {string} name
 * @returns {Record<string, unknown>} empty when nothing readable is kept
 */
function read(name) {
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
function write(name, value) {
  try {
    localStorage.setItem(name, JSON.stringify(value));
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
  }
}

const KEPT = /** @type {const} */ (['opacity', 'outlineOnly', 'brightness', 'contrast', 'previewOn', 'panelOpen', 'brush']);

/**
 * @param {string} person
 * @param {Workbench} bench
 * @param {Workbench} before
 */
export function keepView(person, bench, before) {
  if (bench.keys !== before.keys) write(keysName(person), changedKeys(bench.keys));
  if (KEPT.every((key) => bench[key] === before[key])) return;
  const { opacity, outlineOnly, brightness, contrast, previewOn, panelOpen, brush } = bench;
  write(VIEW, { opacity, outlineOnly, brightness, contrast, previewOn, panelOpen, brushSize: brush.size, brushShape: brush.shape });
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
