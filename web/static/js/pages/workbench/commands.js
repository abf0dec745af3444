/**
 * What each command of the key table does.
 *
 * @typedef {import('../../state/workbench.js').Workbench} Workbench
 * @typedef {import('../../state/store.js').Store<Workbench>} BenchStore
 * @typedef {import('../../canvas/stage.js').Stage} Stage
 *
 * @typedef {object} CommandParts
 * @property {BenchStore} store
 * @property {(change: Partial<Workbench>) => void} show
 * @property {import('./acts.js').Acts} acts
 * @property {Record<Workbench['tool'], import('../../canvas/pointers.js').Tool>} tools
 * @property {Stage} stage
 * @property {import('./image_line.js').ImageLine} line
 * @property {(message: string) => void} say
 * @property {boolean} practising
 * @property {() => void} objectBegins
 * @property {Record<'skip' | 'recent' | 'guidelines' | 'tutorial' | 'palette' | 'keys', () => void>} open
 */
import { maskOf } from '../../state/current.js';
import { currentOf, docOf, nextBrushSize, sizeOf } from '../../state/workbench.js';
import { byId } from '../../ui/elements.js';

/**
 * @param {CommandParts} parts
 * @returns {Record<string, () => void>} by id of the command
 */
export function commandsOf({ store, show, acts, tools, stage, line, say, practising, objectBegins, open }) {
  /** @param {Workbench['tool']} name */
  const take = (name) => {
    const { tool } = store.get();
    if (tool === name) return;
    tools[tool].exit();
    show({ tool: name, preview: null });
    tools[name].enter();
    byId('stage').style.cursor = tools[name].cursor;
  };
  const atCrosshair = (/** @type {0 | 1} */ label) => {
    const { pointer } = store.get();
    if (pointer) acts.addPoint(pointer, label);
  };
  /** @param {1 | -1} direction  of the brush, or of what counts as small in the clean-up that is offered */
  const smallerOrLarger = (direction) => {
    const offered = store.get().cleanUp;
    if (offered) acts.setCleanUp(Math.min(2 ** 16, Math.max(2, offered.minArea * 2 ** direction)));
    else resizeBrush(store, direction);
  };

  return {
    accept: () => (store.get().cleanUp ? acts.applyCleanUp() : acts.accept()),
    accept_parts: () => acts.acceptWithParts(),
    clear: () => {
      if (store.get().cleanUp) return acts.leaveCleanUp();
      tools[store.get().tool].cancel();
      acts.clear();
    },
    undo: () => acts.undo(),
    redo: () => acts.redo(),
    refine: () => acts.refineSelected(),
    delete: () => acts.removeSelected(),
    mask_earlier: () => acts.moveSelected(-1),
    mask_later: () => acts.moveSelected(1),
    hide: () => acts.toggleHidden(),
    clean_up: () => (store.get().cleanUp ? acts.applyCleanUp() : acts.offerCleanUp()),
    give_up: () => acts.giveUp(),
    keep_going: () => {
      objectBegins();
      show({ overtime: false });
    },
    candidate_next: () => acts.nextCandidate(1),
    candidate_previous: () => acts.nextCandidate(-1),
    candidate_1: () => acts.chooseCandidate(0),
    candidate_2: () => acts.chooseCandidate(1),
    candidate_3: () => acts.chooseCandidate(2),
    tool_clicks: () => take('clicks'),
    tool_brush: () => take('brush'),
    tool_eraser: () => take('eraser'),
    tool_lasso: () => take('lasso'),
    brush_smaller: () => smallerOrLarger(-1),
    brush_larger: () => smallerOrLarger(1),
    brush_shape: () => store.update((bench) => ({ ...bench, brush: { ...bench.brush, shape: bench.brush.shape === 'circle' ? 'square' : 'circle' } })),
    sign: () => store.update((bench) => ({ ...bench, sign: bench.sign ? 0 : 1 })),
    point_foreground: () => atCrosshair(1),
    point_background: () => atCrosshair(0),
    preview: () => store.update((bench) => ({ ...bench, previewOn: !bench.previewOn })),
    outline: () => store.update((bench) => ({ ...bench, outlineOnly: !bench.outlineOnly })),
    solo: () => store.update((bench) => ({ ...bench, solo: !bench.solo })),
    fit: () => stage.fit(),
    zoom_mask: () => zoomToMask(store.get(), stage),
    zoom_in: () => stage.zoom(1.25),
    zoom_out: () => stage.zoom(0.8),
    panel: () => store.update((bench) => ({ ...bench, panelOpen: !bench.panelOpen })),
    submit: () => void line.submit(),
    skip: () => store.get().image && store.get().editing === 'open' && open.skip(),
    next: () => void line.next(),
    previous: () => void line.previous(),
    recent: () => (practising ? say('Here you practise. Your own images are where you annotate') : open.recent()),
    guidelines: open.guidelines,
    tutorial: open.tutorial,
    palette: open.palette,
    keys: open.keys,
  };
}

/**
 * @param {BenchStore} store
 * @param {1 | -1} direction
 */
export function resizeBrush(store, direction) {
  store.update((bench) => ({ ...bench, brush: { ...bench.brush, size: nextBrushSize(bench.brush.size, direction) } }));
}

/**
 * The mask in hand, else the selected one, else the one under the pointer.
 *
 * @param {Workbench} bench
 * @param {Stage} stage
 */
function zoomToMask(bench, stage) {
  const current = currentOf(bench);
  const listed = docOf(bench).masks.find((mask) => mask.id === (bench.selected ?? bench.hovered));
  const box = current ? maskOf(current, sizeOf(bench)).box : (listed?.box ?? [0, 0, 0, 0]);
  if (box[2] > box[0]) stage.zoomTo(box);
  else stage.fit();
}
