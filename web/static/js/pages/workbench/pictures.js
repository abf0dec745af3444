/**
 * The pixels of an image for the stage.
 *
 * @typedef {import('../../api/types.js').ImageFacts} ImageFacts
 * @typedef {import('../../canvas/stage.js').Picture} Picture
 */
import { Tiles } from '../../canvas/tiles.js';

/** A picture up to this size is one bitmap; above, the coarse levels of its pyramid lie below the squares in view. */
const OVERVIEW_SIDE = 2048;

/**
 * @param {ImageFacts} image
 * @param {string} api  address of the API, ends with a slash
 * @returns {Promise<Picture>}
 */
export async function loadPicture(image, api) {
  const { width, height, tiles } = image;
  if (!tiles?.levels.length) return { picture: await bitmap(image.file_url), width, height, tiles: null };
  const load = (/** @type {{level: number, column: number, row: number}} */ { level, column, row }) =>
    bitmap(`${api}images/${image.id}/tiles/${level}/${column}/${row}`);
  const source = new Tiles({ size: { width, height }, side: tiles.tile_size, levels: tiles.levels, load });
  return { picture: await overview(tiles, load), width, height, tiles: source };
}

/**
 * @param {import('../../api/types.js').TilePyramid} pyramid
 * @param {(place: {level: number, column: number, row: number}) => Promise<ImageBitmap>} load
 * @returns {Promise<OffscreenCanvas>} the finest level that is small enough, put together
 */
async function overview({ tile_size: side, levels }, load) {
  const sorted = [...levels].sort((a, b) => b.width - a.width);
  const level = sorted.find(({ width, height }) => Math.max(width, height) <= OVERVIEW_SIDE) ?? sorted[sorted.length - 1];
  const canvas = new OffscreenCanvas(level.width, level.height);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext('2d'));
  const squares = [];
  for (let row = 0; row * side < level.height; row += 1) {
    for (let column = 0; column * side < level.width; column += 1) squares.push({ level: level.level, column, row });
  }
  const draw = async (/** @type {{level: number, column: number, row: number}} */ place) => {
    context.drawImage(await load(place), place.column * side, place.row * side);
  };
  await Promise.all(squares.map(draw));
  return canvas;
}

/**
 * @param {string} url
 * @returns {Promise<ImageBitmap>}
 */
async function bitmap(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`The picture could not be loaded: ${url} answered ${response.status}`);
  return createImageBitmap(await response.blob());
}
