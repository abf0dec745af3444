/** The file in which a person can carry unsaved work away and back. */

/** @typedef {import('./journal.js').MaskSave} MaskSave */

const FORMAT = 'maskwright-unsaved';
const VERSION = 1;

/**
 * @param {string} person UUID
 * @param {MaskSave[]} saves
 * @returns {Blob} application/json
 */
export function writeUnsaved(person, saves) {
  const file = { format: FORMAT, version: VERSION, person, made_at: new Date().toISOString(), saves };
  return new Blob([JSON.stringify(file, null, 1)], { type: 'application/json' });
}

/**
 * @param {string} text
 * @returns {MaskSave[]}
 * @throws {Error} when the text is not such a file
 */
export function readUnsaved(text) {
  const file = parsed(text);
  if (file?.format !== FORMAT || file.version !== VERSION || !Array.isArray(file.saves)) {
    throw new Error(`This is no file of unsaved work (format ${file?.format}, version ${file?.version}).`);
  }
  const broken = file.saves.findIndex((/** @type {unknown} */ save) => !isSave(save));
  if (broken >= 0) throw new Error(`The unsaved mask number ${broken + 1} of the file is incomplete.`);
  return file.saves;
}

/**
 * @param {string} text
 * @returns {any}
 */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error('This is no file of unsaved work: it is not JSON.');
  }
}

/**
 * @param {any} save
 * @returns {boolean}
 */
function isSave(save) {
  const hasIds = [save?.mask, save?.image].every((id) => typeof id === 'string') && (save.assignment === null || typeof save.assignment === 'string');
  const hasState = ['draft', 'accepted', 'deleted'].includes(save?.state);
  return hasIds && hasState && typeof save.rle?.counts === 'string' && Array.isArray(save.rle.size);
}
