/**
 * The pixels of an image for the stage, and the files of those that come next.
 *
 * @typedef {import('../../api/types.js').ImageFacts} ImageFacts
 * @typedef {import('../../api/types.js').TilePyramid} TilePyramid
 * @typedef {import('../../canvas/stage.js').Picture} Picture
 * @typedef {(url: string) => Promise<Blob>} ReadFile
 */
import { Tiles } from '../../canvas/tiles.js';

/** A picture up to this size is one bitmap; above, the coarse levels of its pyramid lie below the squares in view. */
const OVERVIEW_SIDE = 2048;

/**
 * @param {ImageFacts} image
 * @param {string} api  address of the API, ends with a slash
 * @param {ReadFile} [read]
 * @returns {Promise<Picture>}
 */
export async function loadPicture(image, api, read = readFile) {
  const { width, height, tiles } = image;
  const bitmap = async (/** @type {string} */ url) => createImageBitmap(await read(url));
  if (!tiles?.levels.length) return { picture: await bitmap(image.file_url), width, height, tiles: null };
  const load = (/** @type {TilePlace} */ place) => bitmap(tileUrl(image, api, place));
  const source = new Tiles({ size: { width, height }, side: tiles.tile_size, levels: tiles.levels, load });
  return { picture: await overview(tiles, load), width, height, tiles: source };
}

/**
 * The memory of a picture that is shown nowhere any more; a collector of garbage would come late for it.
 *
 * @param {Picture} picture
 */
export function letGo({ picture, tiles }) {
  if (picture instanceof ImageBitmap) picture.close();
  tiles?.close();
}

/** @typedef {{level: number, column: number, row: number}} TilePlace */

/**
 * What has to be there before an image can be shown.
 *
 * @param {ImageFacts} image
 * @param {string} api
 * @returns {string[]} addresses of the picture, or of the squares of its overview
 */
export function filesOf(image, api) {
  const { tiles } = image;
  if (!tiles?.levels.length) return [image.file_url];
  return squaresOf(tiles, overviewLevel(tiles)).map((place) => tileUrl(image, api, place));
}

/**
 * @param {ImageFacts} image
 * @param {string} api
 * @param {TilePlace} place
 */
const tileUrl = (image, api, { level, column, row }) => `${api}images/${image.id}/tiles/${level}/${column}/${row}`;

/**
 * @param {TilePyramid} tiles
 * @returns {TilePyramid['levels'][number]} the finest level that is small enough
 */
function overviewLevel({ levels }) {
  const sorted = [...levels].sort((a, b) => b.width - a.width);
  return sorted.find(({ width, height }) => Math.max(width, height) <= OVERVIEW_SIDE) ?? sorted[sorted.length - 1];
}

/**
 * @param {TilePyramid} tiles
 * @param {TilePyramid['levels'][number]} level
 * @returns {TilePlace[]}
 */
function squaresOf({ tile_size: side }, { level, width, height }) {
  const squares = [];
  for (let row = 0; row * side < height; row += 1) {
    for (let column = 0; column * side < width; column += 1) squares.push({ level, column, row });
  }
  return squares;
}

/**
 * @param {TilePyramid} tiles
 * @param {(place: TilePlace) => Promise<ImageBitmap>} load
 * @returns {Promise<OffscreenCanvas>} the overview, put together
 */
async function overview(tiles, load) {
  const level = overviewLevel(tiles);
  const canvas = new OffscreenCanvas(level.width, level.height);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext('2d'));
  const draw = async (/** @type {TilePlace} */ place) => {
    const square = await load(place);
    context.drawImage(square, place.column * tiles.tile_size, place.row * tiles.tile_size);
    square.close();
  };
  await Promise.all(squaresOf(tiles, level).map(draw));
  return canvas;
}

/**
 * @param {string} url
 * @returns {Promise<Blob>} as the server sent it
 */
export async function readFile(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`The picture could not be loaded: ${url} answered ${response.status}`);
  return response.blob();
}
