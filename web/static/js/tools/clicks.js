/**
 * Prompting: a click is a point, a drag is a box, a point can be dragged or clicked away.
 *
 * @typedef {import('../canvas/pointers.js').Tool} Tool
 * @typedef {import('../canvas/pointers.js').Touch} Touch
 * @typedef {import('../state/workbench.js').Workbench} Workbench
 * @typedef {import('../state/workbench.js').Place} Place
 * @typedef {import('../state/types.js').Box} Box
 *
 * @typedef {object} ClickActs
 * @property {() => Workbench} bench
 * @property {(change: Partial<Workbench>) => void} show  what is being drawn, outside the undo timeline
 * @property {(at: Place, label: 0 | 1) => void} addPoint
 * @property {(index: number) => void} removePoint
 * @property {(index: number, at: Place) => void} movePoint
 * @property {(box: Box) => void} setBox
 * @property {(at: Place) => void} selectAt
 * @property {(at: Place | null) => void} hover
 */
import { currentOf, sizeOf } from '../state/workbench.js';

/** How far a hand may tremble during a click, as a share of what it can aim at. */
const TREMBLE = 0.45;

/**
 * @param {ClickActs} acts
 * @returns {Tool}
 */
export function clicksTool(acts) {
  /** @type {{from: Touch, point: number, dragging: boolean} | null} */
  let press = null;

  const rest = () => {
    press = null;
    acts.show({ dragBox: null, dragPoint: null });
  };

  return {
    cursor: 'crosshair',
    enter: () => {},
    exit: rest,
    down(touch) {
      if (labelOf(acts.bench(), touch) === 1) acts.hover(touch.at);
      press = { from: touch, point: pointAt(acts.bench(), touch), dragging: false };
    },
    move(touch) {
      acts.hover(touch.at);
      if (!press) return;
      const { from, point } = press;
      press.dragging ||= Math.hypot(touch.at.x - from.at.x, touch.at.y - from.at.y) > from.near * TREMBLE;
      if (!press.dragging) return;
      if (point >= 0) acts.show({ dragPoint: { index: point, at: inside(acts.bench(), touch.at) } });
      else if (!from.secondary) acts.show({ dragBox: boxBetween(acts.bench(), from.at, touch.at) });
    },
    up(touch) {
      if (!press) return;
      const { from, point, dragging } = press;
      rest();
      if (point >= 0) {
        if (dragging) acts.movePoint(point, inside(acts.bench(), touch.at));
        else acts.removePoint(point);
        return;
      }
      if (dragging && !from.secondary) {
        const box = boxBetween(acts.bench(), from.at, touch.at);
        if (box) acts.setBox(box);
        return;
      }
      if (from.ctrl) acts.selectAt(from.at);
      else if (isInside(acts.bench(), from.at)) acts.addPoint(from.at, labelOf(acts.bench(), from));
    },
    cancel: rest,
    leave: () => acts.hover(null),
  };
}

/**
 * @param {Workbench} bench
 * @param {Touch} touch
 * @returns {0 | 1}
 */
function labelOf(bench, touch) {
  return isTurned(touch) === (bench.sign === 1) ? 0 : 1;
}

/** @param {Touch} touch  whether it means the other sign than the one set */
function isTurned(touch) {
  return touch.secondary || touch.alt;
}

/**
 * A hand that took up the other sign on purpose wants a point beside one, not that one away.
 *
 * @param {Workbench} bench
 * @param {Touch} touch
 * @returns {number} index of the point under the hand, -1 when none
 */
function pointAt(bench, touch) {
  const points = currentOf(bench)?.points ?? [];
  return points.findLastIndex(
    (point) =>
      Math.hypot(point.x + 0.5 - touch.at.x, point.y + 0.5 - touch.at.y) <= touch.near &&
      !(isTurned(touch) && point.label !== labelOf(bench, touch)),
  );
}

/**
 * @param {Workbench} bench
 * @param {Place} at
 */
function isInside(bench, at) {
  const { width, height } = sizeOf(bench);
  return at.x >= 0 && at.y >= 0 && at.x < width && at.y < height;
}

/**
 * @param {Workbench} bench
 * @param {Place} at
 * @returns {Place} the nearest place in the image
 */
function inside(bench, at) {
  const { width, height } = sizeOf(bench);
  return { x: Math.min(width - 1, Math.max(0, at.x)), y: Math.min(height - 1, Math.max(0, at.y)) };
}

/**
 * @param {Workbench} bench
 * @param {Place} a
 * @param {Place} b
 * @returns {Box | null} whole pixels inside the image; null when nothing is left
 */
function boxBetween(bench, a, b) {
  const { width, height } = sizeOf(bench);
  const x0 = Math.max(0, Math.floor(Math.min(a.x, b.x)));
  const y0 = Math.max(0, Math.floor(Math.min(a.y, b.y)));
  const x1 = Math.min(width, Math.ceil(Math.max(a.x, b.x)));
  const y1 = Math.min(height, Math.ceil(Math.max(a.y, b.y)));
  return x1 > x0 && y1 > y0 ? [x0, y0, x1, y1] : null;
}
