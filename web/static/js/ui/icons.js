/** The drawings on the buttons: lines on a 20 by 20 grid. */

const SVG = 'http://www.w3.org/2000/svg';

/** @type {Readonly<Record<string, readonly string[]>>} path data of each drawing */
const DRAWINGS = {
  clicks: ['M4.5 3.5l11 4.6-4.7 1.9-1.9 4.8z', 'M11.8 12.2l4 4'],
  brush: ['M16.5 3.5c-3.6 1.6-6.4 4.3-8 7l1.8 1.8c2.7-1.6 5.2-4.6 6.2-8.8z', 'M7.6 11.2c-2 .2-2.6 1.6-2.8 3-.1.9-.6 1.6-1.6 2 3 .8 6-.3 6.4-3.1'],
  eraser: ['M8.2 16.5h8.3', 'M11.5 4.2l4.6 4.6-7.2 7.2H6.2l-2.4-2.4a1 1 0 010-1.4z', 'M7.6 8.2l4.6 4.6'],
  lasso: ['M10 3.5c4 0 7 2 7 4.6s-3 4.6-7 4.6c-1.4 0-2.700-.2-3.800-.7', 'M6.200 12C4.200 11.200 3 9.800 3 8.100 3 5.500 6 3.500 10 3.500', 'M6.400 11.800c-1.600.4-2 2.200-.6 2.800 1.300.5 2.400-.7 1.700-1.900', 'M5.800 14.700c.4 1-.2 1.700-.9 2.300'],
  fit: ['M3.5 7.5v-4h4', 'M12.5 3.5h4v4', 'M16.5 12.5v4h-4', 'M7.5 16.5h-4v-4'],
  zoom: ['M8.7 3.5a5.2 5.2 0 100 10.4 5.2 5.2 0 000-10.4z', 'M12.6 12.6l4 4', 'M8.7 6.6v4.2', 'M6.6 8.7h4.2'],
  preview: ['M2.6 10s2.7-4.8 7.4-4.8S17.4 10 17.4 10s-2.7 4.8-7.4 4.8S2.6 10 2.6 10z', 'M10 7.7a2.3 2.3 0 100 4.6 2.3 2.3 0 000-4.6z'],
  outline: ['M4 6.2c2-3 6-3.4 8.6-1.7 3 2 4.6 5.2 3 8.3-1.7 3.2-5.6 4.2-8.6 2.6C3.7 13.6 2.3 8.7 4 6.2z'],
  circle: ['M10 3.8a6.2 6.2 0 100 12.4 6.2 6.2 0 000-12.4z'],
  square: ['M4.5 4.5h11v11h-11z'],
  guidelines: ['M4 4.5c2-.8 4-.8 6 .6 2-1.4 4-1.4 6-.6v11c-2-.8-4-.8-6 .6-2-1.4-4-1.4-6-.6z', 'M10 5.1v11'],
  keys: ['M2.5 6h15v8.5h-15z', 'M5.5 9h.01', 'M8.5 9h.01', 'M11.5 9h.01', 'M14.5 9h.01', 'M6.5 11.8h7'],
  undo: ['M4 8h8a4 4 0 010 8H8', 'M7 4.5L3.5 8 7 11.5'],
  redo: ['M16 8H8a4 4 0 000 8h4', 'M13 4.5L16.5 8 13 11.5'],
  accept: ['M4 10.5l4 4 8-9'],
  clear: ['M5 5l10 10', 'M15 5L5 15'],
  plus: ['M10 4.5v11', 'M4.5 10h11'],
  minus: ['M4.5 10h11'],
  delete: ['M4 6h12', 'M8 6V4h4v2', 'M5.5 6l.7 10h7.6l.7-10', 'M8.5 9v4.5', 'M11.5 9v4.5'],
  refine: ['M12.7 4.3l3 3L7.5 15.5l-3.8.8.8-3.8z', 'M10.8 6.2l3 3'],
  previous: ['M12.5 4.5L7 10l5.5 5.5'],
  next: ['M7.5 4.5L13 10l-5.5 5.5'],
  panel: ['M3 4.5h14v11H3z', 'M12.5 4.5v11'],
  give_up: ['M5 17V3.5', 'M5 4.2h9.5l-2 3.3 2 3.3H5'],
  skip: ['M4.5 5l6 5-6 5z', 'M10.5 5l6 5-6 5z'],
  more: ['M5 10h.01', 'M10 10h.01', 'M15 10h.01'],
};

/**
 * @param {string} name
 * @returns {SVGSVGElement}
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 20 20');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  for (const line of DRAWINGS[name] ?? []) {
    const path = document.createElementNS(SVG, 'path');
    path.setAttribute('d', line);
    svg.append(path);
  }
  return svg;
}

/**
 * A ring that fills clockwise; its share is set with `setRing`.
 *
 * @returns {SVGSVGElement}
 */
export function ring() {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 20 20');
  svg.setAttribute('class', 'ring');
  svg.setAttribute('aria-hidden', 'true');
  for (const name of ['ring-track', 'ring-fill']) {
    const circle = document.createElementNS(SVG, 'circle');
    circle.setAttribute('class', name);
    circle.setAttribute('cx', '10');
    circle.setAttribute('cy', '10');
    circle.setAttribute('r', '7.5');
    circle.setAttribute('pathLength', '100');
    svg.append(circle);
  }
  return svg;
}

/**
 * @param {SVGSVGElement} svg
 * @param {number} share  0..1
 */
export function setRing(svg, share) {
  svg.lastElementChild?.setAttribute('stroke-dasharray', `${Math.round(100 * Math.min(1, share))} 100`);
}
