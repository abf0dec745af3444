/**
 * Everything the workbench shows, as one immutable value.
 *
 * @typedef {import('./types.js').History} History
 * @typedef {import('./types.js').Doc} Doc
 * @typedef {import('./types.js').Current} Current
 * @typedef {import('./types.js').MaskRaster} MaskRaster
 * @typedef {import('./types.js').Box} Box
 * @typedef {import('./keys.js').Keys} Keys
 *
 * @typedef {{x: number, y: number}} Place  image pixels
 * @typedef {'clicks' | 'brush' | 'eraser' | 'lasso'} ToolName
 *
 * @typedef {object} ImageFacts
 * @property {string} id
 * @property {string} name
 * @property {number} width
 * @property {number} height
 * @property {string} fileUrl
 *
 * @typedef {object} Screen  what the canvas area shows
 * @property {'opening' | 'ready' | 'nothing_left' | 'failed'} kind
 * @property {string} message
 *
 * @typedef {object} DecoderState
 * @property {'starting' | 'waiting' | 'preparing' | 'ready' | 'failed'} kind  `waiting`: the embedding is not made yet
 * @property {string} message
 * @property {boolean} busy  a click waits for its masks
 *
 * @typedef {object} SaveState
 * @property {'saved' | 'saving' | 'pending' | 'attention'} kind
 * @property {number} count
 * @property {string} message
 * @property {boolean} signInNeeded
 * @property {number} numOnlyHere  masks with changes that only this page has: the device takes no more
 *
 * @typedef {{picture: ImageBitmap, box: Box}} Preview  pixels of the screen, and where they lie in the image
 *
 * @typedef {object} Difference  between two masks
 * @property {MaskRaster} filled  pixels that only the second has
 * @property {MaskRaster} dropped  pixels that only the first has
 *
 * @typedef {Difference & {minArea: number}} CleanUp  holes and specks smaller than this go, image pixels
 *
 * @typedef {object} Line  the images this person has at hand
 * @property {number} index
 * @property {number} length
 * @property {number} submitted  by this person since the page opened
 *
 * @typedef {object} Workbench
 * @property {History} history
 * @property {ImageFacts | null} image
 * @property {'open' | 'locked'} editing  locked: submitted, or another tab writes this image
 * @property {string} lockedReason
 * @property {Screen} screen
 * @property {DecoderState} decoder
 * @property {SaveState} save
 * @property {Line} line
 * @property {ToolName} tool
 * @property {0 | 1} sign  label of a plain click: 1 foreground, 0 background (touch toggle)
 * @property {{size: number, shape: 'circle' | 'square'}} brush
 * @property {boolean} inverted  Alt is held
 * @property {number} opacity  of mask fills, 0..1
 * @property {boolean} outlineOnly
 * @property {boolean} previewOn
 * @property {boolean} cropsOn  small parts of a large image that are looked at are embedded on their own
 * @property {'used' | 'off' | null} crop  a click would be answered by a crop now; or could be, if crops were on
 * @property {boolean} panelOpen
 * @property {Place | null} pointer  where the pointer or the keyboard's crosshair is
 * @property {Preview | null} preview  mask under the pointer before the first click
 * @property {{raster: MaskRaster, mode: 'brush' | 'eraser'} | null} stroke  being drawn
 * @property {{mode: 'brush' | 'eraser', places: readonly Place[]} | null} lasso  being drawn
 * @property {CleanUp | null} cleanUp  offered for the mask in hand
 * @property {string | null} practised  the assignment of a practice image that was handed in, whose result is shown
 * @property {Difference | null} difference  of an object of that result from the known mask
 * @property {Box | null} dragBox  being drawn
 * @property {{index: number, at: Place} | null} dragPoint
 * @property {string | null} selected  id of a mask
 * @property {string | null} hovered  id of a mask
 * @property {'list' | 'canvas'} hoveredFrom
 * @property {number | null} grain  token of the candidate chosen last
 * @property {boolean} overCandidates
 * @property {boolean} peek  masks are hidden while a key is held
 * @property {Keys} keys  of this person
 * @property {import('./overlap.js').OverlapRule} overlapRule  of the project
 * @property {number} brightness  of the picture, 1 as it is
 * @property {number} contrast  of the picture, 1 as it is
 * @property {boolean} solo  only the selected mask is drawn, else the one under the pointer
 * @property {ReadonlySet<string>} hidden  ids of masks that are not drawn
 * @property {'order' | 'area' | 'newest'} sort  of the list
 * @property {boolean} overtime  the object in hand has taken its 30 seconds
 * @property {boolean} correcting  a reviewer corrects somebody's mask: there is no lease, and no other image
 */
import { newHistory } from './history.js';
import { FIRST_KEYS } from './keys.js';

/** @type {Workbench} */
export const FIRST = {
  history: newHistory(),
  image: null,
  editing: 'open',
  lockedReason: '',
  screen: { kind: 'opening', message: 'Getting your next image' },
  decoder: { kind: 'starting', message: 'Starting the model', busy: false },
  save: { kind: 'saved', count: 0, message: '', signInNeeded: false, numOnlyHere: 0 },
  line: { index: 0, length: 0, submitted: 0 },
  tool: 'clicks',
  sign: 1,
  brush: { size: 24, shape: 'circle' },
  inverted: false,
  opacity: 0.45,
  outlineOnly: false,
  previewOn: true,
  cropsOn: true,
  crop: null,
  panelOpen: true,
  pointer: null,
  preview: null,
  stroke: null,
  lasso: null,
  cleanUp: null,
  practised: null,
  difference: null,
  dragBox: null,
  dragPoint: null,
  selected: null,
  hovered: null,
  hoveredFrom: 'canvas',
  grain: null,
  overCandidates: false,
  peek: false,
  keys: FIRST_KEYS,
  brightness: 1,
  contrast: 1,
  solo: false,
  hidden: new Set(),
  sort: 'order',
  overtime: false,
  overlapRule: 'allowed',
  correcting: false,
};

/** What belongs to one image and is put away with it. */
export const PER_IMAGE = Object.freeze({
  hidden: new Set(),
  preview: null,
  crop: null,
  stroke: null,
  lasso: null,
  cleanUp: null,
  practised: null,
  difference: null,
  dragBox: null,
  dragPoint: null,
  selected: null,
  hovered: null,
  overCandidates: false,
});

/** @param {Workbench} bench */
export const sizeOf = (bench) => ({ width: bench.image?.width ?? 1, height: bench.image?.height ?? 1 });

/** @param {Workbench} bench */
export const docOf = (bench) => bench.history.present;

/** @param {Workbench} bench */
export const currentOf = (bench) => bench.history.present.current;

/**
 * Brush sizes grow in steps that feel even: one pixel up to 10, then about a tenth.
 *
 * @param {number} size
 * @param {1 | -1} direction
 * @returns {number} 1..300
 */
export function nextBrushSize(size, direction) {
  const step = Math.max(1, Math.round(size / 10));
  return Math.min(300, Math.max(1, size + direction * step));
}
