/** The annotator's workbench: the only place where its parts are joined. */

import { ApiClient } from '../api/client.js';
import { listenToPointers } from '../canvas/pointers.js';
import { Stage } from '../canvas/stage.js';
import { Journal } from '../journal/journal.js';
import { needsAnswer } from '../state/current.js';
import { maskAt } from '../state/masks.js';
import { createStore } from '../state/store.js';
import { currentOf, docOf, FIRST, sizeOf } from '../state/workbench.js';
import { InteractionRecorder } from '../timing/recorder.js';
import { brushTool } from '../tools/brush.js';
import { clicksTool } from '../tools/clicks.js';
import { lassoTool } from '../tools/lasso.js';
import { candidateStrip } from '../ui/candidates.js';
import { cropBadge } from '../ui/crop_badge.js';
import { cleanUpBar } from '../ui/clean_up_bar.js';
import { showKeys } from '../ui/controls.js';
import { dock } from '../ui/dock.js';
import { byId, make, setAttributes } from '../ui/elements.js';
import { guidelines } from '../ui/guidelines.js';
import { keySheet } from '../ui/key_sheet.js';
import { maskList } from '../ui/mask_list.js';
import { palette } from '../ui/palette.js';
import { practiceResult } from '../ui/practice.js';
import { recentImages } from '../ui/recent_images.js';
import { saveDetails } from '../ui/save_details.js';
import { screens } from '../ui/screens.js';
import { skipMenu } from '../ui/skip_menu.js';
import { toasts } from '../ui/toasts.js';
import { toolRail } from '../ui/tool_rail.js';
import { topBar } from '../ui/top_bar.js';
import { tutorial } from '../ui/tutorial.js';
import { Acts } from './workbench/acts.js';
import { commandsOf, resizeBrush } from './workbench/commands.js';
import { Decoding } from './workbench/decoding.js';
import { ImageLine } from './workbench/image_line.js';
import { frameDrawn } from './workbench/frame_drawn.js';
import { listenToKeys } from './workbench/keyboard.js';
import { letGo } from './workbench/pictures.js';
import { followOwnKeys } from './workbench/own_keys.js';
import { Saving } from './workbench/saving.js';
import { LAST_REVIEW } from './review/address.js';
import { warnOfTrouble } from './workbench/warnings.js';
import { hadTutorial, keepTutorial, keepView, keptPanel, keptView } from './workbench/preferences.js';

/** @typedef {import('../state/workbench.js').Workbench} Workbench */
/** @typedef {import('../state/workbench.js').Place} Place */

const NARROW = '(max-width: 60rem)';
const CROSSHAIR_STEP_PX = 12;

/** @param {DOMStringMap} facts  of the body: data-api, data-person, data-project, data-static, data-practice, data-work */
async function start(facts) {
  const signal = new AbortController().signal;
  const person = facts.person ?? '';
  const practising = facts.work !== undefined;
  const correction = new URLSearchParams(location.search).get('correct');
  const say = toasts(byId('toasts'));
  const fault = (/** @type {string} */ message) => say(message, { danger: true });
  const narrow = matchMedia(NARROW);
  const store = createStore(/** @type {Workbench} */ ({ ...FIRST, ...keptView(person), ...(narrow.matches ? { panelOpen: false } : {}), correcting: correction !== null }));
  const show = (/** @type {Partial<Workbench>} */ change) => store.update((bench) => (differs(bench, change) ? { ...bench, ...change } : bench));

  const api = new ApiClient({ base: facts.api });
  const journal = await Journal.open({ person, api });
  const recorder = new InteractionRecorder({ send: (batch, options) => api.postInteractions(batch, options), store: journal });
  const clock = { begun: 0 };
  const objectBegins = () => {
    clock.begun = recorder.activeMs;
  };

  const decoding = new Decoding({ store, recorder, api, project: facts.project ?? '', staticBase: facts.static ?? '/static/', view: () => stage.view, fault });
  const modelVersion = /** @returns {string | null} */ () => line.assignment?.model?.id ?? null;
  const leaseId = /** @returns {string | null | undefined} */ () => line.assignment?.id;
  const saving = new Saving({ store, journal, person, modelVersion, assignment: leaseId, drawn: frameDrawn, fault });
  const acts = new Acts({ store, recorder, modelVersion, objectBegins, say });
  const stage = new Stage({ host: byId('stage'), bench: store.get });
  /** @type {ImageLine} */
  const line = new ImageLine({
    store, api, journal, recorder, decoding, saving, acts, say, objectBegins,
    project: facts.project ?? '',
    correction,
    practice: practising,
    corrected: () => location.assign(reviewAddress(facts.project ?? '', correction)),
    apiBase: facts.api ?? '/api/v1/',
    show: (picture) => {
      const before = stage.picture;
      stage.show(picture);
      if (before) letGo(before);
    },
  });

  const hover = (/** @type {Place | null} */ at) => {
    stage.crosshair = false;
    pointAt(at);
  };
  const pointAt = (/** @type {Place | null} */ at) => {
    const mask = at ? maskAt(docOf(store.get()), at.x, at.y, store.get().hidden) : null;
    show({ pointer: at, hovered: mask?.id ?? null, hoveredFrom: 'canvas' });
    decoding.hover(at);
  };
  const tools = toolsOf({ store, show, acts, hover });

  const openKeys = keySheet({ dialog: dialog('keys'), keys: () => store.get().keys, setKeys: (keys) => show({ keys }), kept: followOwnKeys({ person, store, api }) });
  const openSkip = skipMenu(dialog('skip'), (reason, note) => void line.skip(reason, note));
  const openRecent = recentImages({ dialog: dialog('recent'), read: () => api.myImages(facts.project ?? ''), open: (assignment) => void line.show(assignment) });
  const openSaveDetails = saveDetails({
    dialog: dialog('save-details'),
    journal,
    say,
    showAgain: () => void line.again(),
    signIn: async (name, password) => (await api.signIn(name, password)).id === person,
  });

  const commands = commandsOf({
    store, show, acts, tools, stage, line, say, practising, objectBegins,
    open: {
      skip: openSkip,
      recent: openRecent,
      guidelines: () => toggleGuidelines(),
      tutorial: () => coach.start(store.get()),
      palette: () => openPalette(),
      keys: openKeys,
    },
  });
  const run = (/** @type {string} */ command) => commands[command]?.();
  const openPalette = palette({ dialog: dialog('palette'), keys: () => store.get().keys, run });
  /** What was clicked gives the focus back to the image, so that keys go on working there. */
  const backToImage = () => {
    const clicked = document.activeElement?.matches(':not(:focus-visible)') ?? false;
    if (clicked && !document.querySelector('dialog[open]')) byId('stage').focus({ preventScroll: true });
  };
  /**
   * @template {unknown[]} Facts
   * @param {(...facts: Facts) => void} act
   * @returns {(...facts: Facts) => void}
   */
  const fromButton = (act) => (...facts) => {
    act(...facts);
    backToImage();
  };
  const runFromButton = fromButton(run);

  const readProject = async () => {
    const about = await api.project(facts.project ?? '');
    show({ overlapRule: about.overlap_rule });
  };
  const readGuidelines = async () => (await api.guidelines(facts.project ?? '')).html;
  const toggleGuidelines = guidelines({ host: byId('guidelines'), html: readGuidelines, run: runFromButton });
  const coach = tutorial({
    host: byId('tutorial'),
    practising,
    practice: facts.practice ?? null,
    ended: () => {
      keepTutorial(person);
      byId('stage').focus({ preventScroll: true });
    },
  });

  const pictures = [
    coach.show,
    toolRail({ host: byId('rail'), run: runFromButton, setBrushSize: (size) => show({ brush: { ...store.get().brush, size } }) }),
    topBar({ host: byId('bar'), run: runFromButton, openSaveDetails, activeMs: () => (store.get().image ? recorder.activeMs - clock.begun : 0), setOvertime: (overtime) => show({ overtime }) }),
    dock({ host: byId('dock'), run: runFromButton }),
    cropBadge({ host: byId('crop'), set: fromButton((/** @type {boolean} */ cropsOn) => show({ cropsOn })) }),
    cleanUpBar({ host: byId('clean-up'), run: runFromButton, setStrength: (minArea) => acts.setCleanUp(minArea) }),
    maskList({
      host: byId('panel'),
      picture: () => stage.picture,
      acts: {
        run: runFromButton,
        hover: (id) => show({ hovered: id, hoveredFrom: 'list' }),
        select: fromButton((/** @type {string} */ id) => acts.select(id)),
        refine: fromButton((/** @type {string} */ id) => acts.refine(id)),
        hide: fromButton((/** @type {string} */ id) => acts.toggleHidden(id)),
        remove: fromButton((/** @type {string} */ id) => acts.remove(id)),
        setView: show,
      },
    }),
    screens({ host: byId('screen'), tryAgain: () => void line.again(), home: '/', work: facts.work ?? null }),
    lockedNotice(byId('locked'), line),
    practiceResult({
      host: byId('practice'),
      read: (assignment) => api.practiceResult(assignment),
      picture: () => stage.picture,
      see: (difference, box) => {
        show({ difference });
        stage.zoomTo(box);
      },
      tryAgain: fromButton(() => void line.reopen()),
      goOn: fromButton(() => run('next')),
    }),
  ];
  const candidates = candidateStrip({ host: byId('candidates'), stage, beside: [byId('tutorial'), byId('crop')], foot: byId('dock'), choose: fromButton((/** @type {number} */ index) => acts.chooseCandidate(index)) });

  const draw = (/** @type {Workbench} */ now, /** @type {Workbench} */ before) => {
    stage.follow(now, before);
    if (now.keys !== before.keys) showKeys(byId('bench'), now.keys);
    for (const picture of pictures) picture(now);
    candidates(now);
    setAttributes(byId('bench'), { 'data-panel': now.panelOpen ? 'open' : 'closed' });
    keepView(now, before, narrow.matches);
  };
  store.watch(draw);
  store.watch((now, before) => {
    const hasChanged = currentOf(now) !== null && currentOf(now) !== currentOf(before);
    if (narrow.matches && hasChanged) show({ panelOpen: false }); // the list lies over the image there
  });
  narrow.addEventListener('change', () => show({ panelOpen: !narrow.matches && keptPanel() }));
  warnOfTrouble({ store, say, openSaveDetails });
  showKeys(byId('bench'), store.get().keys);
  stage.addEventListener('view', () => {
    candidates(store.get());
    decoding.followView();
  });
  draw(store.get(), store.get());

  listenToPointers({ host: byId('stage'), stage, tool: () => tools[store.get().tool], resizeBrush: (direction) => resizeBrush(store, direction), signal });
  listenToKeys({
    keys: () => store.get().keys,
    run,
    hold: (command, isDown) => command === 'peek' && show({ peek: isDown }),
    signal,
    hasCandidates: () => mayChoose(store.get()),
    invert: (inverted) => show({ inverted }),
    moveCrosshair: (dx, dy, fine) => {
      stage.crosshair = true;
      pointAt(moved(store.get(), dx, dy, fine ? 1 : CROSSHAIR_STEP_PX / stage.view.scale));
    },
  });
  window.addEventListener('focus', () => {
    if (store.get().lockedReason.includes('another tab')) void line.again();
  });
  window.addEventListener('online', () => journal.signedIn());
  document.addEventListener('visibilitychange', () => document.hidden && saving.draft());
  byId('stage').style.cursor = tools.clicks.cursor;
  byId('stage').focus({ preventScroll: true });
  decoding.warm();
  readProject().catch(() => {}); // without an answer masks may overlap, as in most projects
  await line.start();
  if (!correction && !hadTutorial(person)) coach.start(store.get());
  if (correction) {
    acts.refine(correction);
    commands.zoom_mask();
  }
}

/**
 * @param {object} parts
 * @param {import('../state/store.js').Store<Workbench>} parts.store
 * @param {(change: Partial<Workbench>) => void} parts.show
 * @param {Acts} parts.acts
 * @param {(at: Place | null) => void} parts.hover
 * @returns {Record<Workbench['tool'], import('../canvas/pointers.js').Tool>}
 */
function toolsOf({ store, show, acts, hover }) {
  const shared = { bench: store.get, show, hover };
  const painting = { ...shared, paint: acts.paint.bind(acts) };
  return {
    clicks: clicksTool({
      ...shared,
      addPoint: acts.addPoint.bind(acts),
      removePoint: acts.removePoint.bind(acts),
      movePoint: acts.movePoint.bind(acts),
      setBox: acts.setBox.bind(acts),
      selectAt: acts.selectAt.bind(acts),
    }),
    brush: brushTool(painting, 'brush'),
    eraser: brushTool(painting, 'eraser'),
    lasso: lassoTool(painting),
  };
}

/**
 * Where a reviewer came from.
 *
 * @param {string} project
 * @param {string | null} mask  that was corrected
 */
function reviewAddress(project, mask) {
  const filters = new URLSearchParams(sessionStorage.getItem(LAST_REVIEW) ?? '');
  if (mask) filters.set('corrected', mask);
  return `/projects/${project}/review?${filters}`;
}

/**
 * @param {Workbench} bench
 * @param {number} dx
 * @param {number} dy
 * @param {number} step  image pixels
 * @returns {Place}
 */
function moved(bench, dx, dy, step) {
  const { width, height } = sizeOf(bench);
  const from = bench.pointer ?? { x: width / 2, y: height / 2 };
  const x = Math.min(width - 0.5, Math.max(0.5, from.x + dx * step));
  const y = Math.min(height - 0.5, Math.max(0.5, from.y + dy * step));
  return { x, y };
}

/**
 * The notice over an image that cannot be changed now.
 *
 * @param {HTMLElement} host
 * @param {ImageLine} line
 * @returns {(bench: Workbench) => void}
 */
function lockedNotice(host, line) {
  const words = make('span');
  const reopen = make('button', { class: 'button button-small', text: 'Take it back', attributes: { type: 'button' }, on: { click: () => void line.reopen() } });
  host.append(words, reopen);
  return ({ editing, lockedReason, practised, screen }) => {
    host.hidden = editing === 'open' || practised !== null || screen.kind !== 'ready';
    words.textContent = lockedReason;
    reopen.hidden = lockedReason.includes('another tab');
  };
}

/**
 * @param {Workbench} bench
 * @param {Partial<Workbench>} change
 */
function differs(bench, change) {
  return Object.entries(change).some(([key, value]) => Reflect.get(bench, key) !== value);
}

/**
 * Whether Tab chooses among candidates: there are some, or they come in a moment.
 *
 * @param {Workbench} bench
 */
function mayChoose(bench) {
  const current = currentOf(bench);
  if (!current) return false;
  return current.candidates.length > 1 || (needsAnswer(current) && bench.decoder.kind === 'ready');
}

/** @param {string} id */
const dialog = (id) => /** @type {HTMLDialogElement} */ (byId(id));

/** @param {unknown} error */
function startFailed(error) {
  const host = byId('screen');
  host.hidden = false;
  const message = error instanceof Error ? error.message : String(error);
  host.replaceChildren(make('h2', { class: 'screen-title', text: 'The workbench could not start' }), make('p', { class: 'screen-words', text: message }));
}

start(document.body.dataset).catch(startFailed);
