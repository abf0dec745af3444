/**
 * The slim column of tools on the left.
 *
 * @typedef {import('../state/workbench.js').Workbench} Workbench
 * @typedef {import('./controls.js').Run} Run
 */
import { iconButton, setIcon } from './controls.js';
import { make, setAttributes, setText } from './elements.js';
import { keyWords } from './keymap.js';

const TOOLS = /** @type {const} */ (['clicks', 'brush', 'eraser', 'lasso']);

/**
 * @param {object} options
 * @param {HTMLElement} options.host
 * @param {Run} options.run
 * @param {(size: number) => void} options.setBrushSize
 * @returns {(bench: Workbench) => void}
 */
export function toolRail({ host, run, setBrushSize }) {
  const tools = TOOLS.map((name) => iconButton({ command: `tool_${name}`, drawing: name, run }));
  const sign = iconButton({ command: 'sign', drawing: 'plus', run });
  const brush = brushBox({ run, setBrushSize });
  const preview = iconButton({ command: 'preview', run });
  const outline = iconButton({ command: 'outline', run });
  const panel = iconButton({ command: 'panel', run });
  host.append(
    group('Tools', ...tools),
    group('Options', sign),
    brush.box,
    group('View', iconButton({ command: 'fit', run }), iconButton({ command: 'zoom_mask', drawing: 'zoom', run }), preview, outline, panel),
    make('div', { class: 'rail-space' }),
    group('Help', iconButton({ command: 'guidelines', run }), iconButton({ command: 'keys', run })),
  );

  return (bench) => {
    TOOLS.forEach((name, i) => press(tools[i], bench.tool === name));
    press(preview, bench.previewOn);
    press(outline, bench.outlineOnly);
    press(panel, bench.panelOpen);
    sign.hidden = bench.tool !== 'clicks';
    showSign(sign, bench.sign);
    brush.box.hidden = bench.tool !== 'brush' && bench.tool !== 'eraser';
    brush.show(bench);
  };
}

/**
 * @param {HTMLButtonElement} button
 * @param {0 | 1} label
 */
function showSign(button, label) {
  const wanted = label ? 'foreground' : 'background';
  if (button.dataset.sign === wanted) return;
  button.dataset.sign = wanted;
  setIcon(button, label ? 'plus' : 'minus');
  setAttributes(button, {
    'aria-label': label ? 'A plain click adds. Switch to take away' : 'A plain click takes away. Switch to add',
  });
}

/**
 * @param {{run: Run, setBrushSize: (size: number) => void}} options
 */
function brushBox({ run, setBrushSize }) {
  const slider = make('input', {
    class: 'brush-slider',
    attributes: { type: 'range', min: '0', max: '100', step: '1', 'aria-label': 'Brush size' },
    on: { input: () => setBrushSize(sizeAt(Number(slider.value))) },
  });
  const number = make('output', { class: 'brush-number' });
  const shape = iconButton({ command: 'brush_shape', drawing: 'circle', run });
  const box = group('Brush', number, slider, shape);
  box.classList.add('brush-box');
  return {
    box,
    /** @param {Workbench} bench */
    show(bench) {
      setText(number, `${bench.brush.size} px`);
      setAttributes(slider, { title: `Brush size (${keyWords(bench.keys, 'brush_smaller')} and ${keyWords(bench.keys, 'brush_larger')})` });
      const place = String(Math.round(placeOf(bench.brush.size)));
      if (slider.value !== place) slider.value = place;
      setIcon(shape, bench.brush.shape);
    },
  };
}

/** The slider is logarithmic: 1 px to 300 px over 0..100. @param {number} place */
const sizeAt = (place) => Math.max(1, Math.round(300 ** (place / 100)));

/** @param {number} size */
const placeOf = (size) => (100 * Math.log(size)) / Math.log(300);

/**
 * @param {string} label
 * @param {...Node} children
 */
function group(label, ...children) {
  return make('div', { class: 'rail-group', attributes: { role: 'group', 'aria-label': label } }, ...children);
}

/**
 * @param {HTMLElement} button
 * @param {boolean} pressed
 */
function press(button, pressed) {
  setAttributes(button, { 'aria-pressed': String(pressed) });
}
