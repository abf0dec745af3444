// The point of a mask that raters see: deepest inside.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { centreOf } from '../../web/static/js/pages/rate/centre.js';

/**
 * @param {string[]} rows # is set
 * @param {[number, number]} at left upper corner of the box in the image
 * @returns {import('../../web/static/js/geometry/types.js').MaskRaster}
 */
function raster(rows, [x, y]) {
  const bits = Uint8Array.from(rows.join(''), (one) => Number(one === '#'));
  return { width: 90, height: 70, box: [x, y, x + rows[0].length, y + rows.length], bits };
}

test('it lies where the mask is thickest, not in its middle', () => {
  const rows = ['#######........', '#######........', '#######........', '###############', '#######........', '#######........', '#######........'];
  assert.deepEqual(centreOf(raster(rows, [20, 30])), [23, 33]);
});

test('it lies on a mask with a hole', () => {
  const rows = ['#####', '#...#', '#...#', '##..#', '#####'];
  const [x, y] = centreOf(raster(rows, [3, 4]));
  assert.equal(rows[y - 4][x - 3], '#');
});

test('one pixel is its own centre, and of equals the first is taken', () => {
  assert.deepEqual(centreOf(raster(['#'], [7, 9])), [7, 9]);
  assert.deepEqual(centreOf(raster(['.##'], [7, 9])), [8, 9]);
});

test('no pixel of a mask is farther from what is outside', () => {
  const rows = ['..####...', '.######..', '#########', '#########', '.#####...', '..###....'];
  const depth = (/** @type {number} */ x, /** @type {number} */ y) => {
    let least = Infinity;
    for (let row = -1; row <= rows.length; row += 1) {
      for (let column = -1; column <= rows[0].length; column += 1) {
        if (rows[row]?.[column] !== '#') least = Math.min(least, Math.abs(row - y) + Math.abs(column - x));
      }
    }
    return least;
  };
  const [x, y] = centreOf(raster(rows, [0, 0]));
  const depths = rows.flatMap((row, down) => [...row].map((one, across) => (one === '#' ? depth(across, down) : 0)));
  assert.equal(depth(x, y), Math.max(...depths));
});
