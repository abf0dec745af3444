import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../web/static/js/', import.meta.url));
const IMPORT = /^(?:import|export)\s[^;]*?from\s+'([^']+)'|^import\s+'([^']+)'/gm;

/** Folder -> folders it may import from (its own always); types may come from anywhere. */
const MAY_IMPORT = {
  geometry: [],
  drawing: ['geometry'],
  decoder: ['geometry', 'drawing'],
  api: [],
  journal: [],
  timing: [],
  state: ['geometry'],
  canvas: ['geometry', 'drawing', 'state'],
  tools: ['geometry', 'state', 'canvas'],
  ui: ['geometry', 'drawing', 'state', 'canvas'],
  widgets: ['geometry'],
  pages: ['geometry', 'drawing', 'decoder', 'api', 'journal', 'timing', 'state', 'canvas', 'tools', 'ui', 'widgets'],
};

/** @returns {string[]} paths of all modules, relative to web/static/js */
function modules() {
  const files = readdirSync(ROOT, { recursive: true, encoding: 'utf8' });
  return files.filter((name) => name.endsWith('.js'));
}

/**
 * @param {string} name
 * @returns {string[]} what a module imports, as written
 */
function importsOf(name) {
  const source = readFileSync(join(ROOT, name), 'utf8');
  return [...source.matchAll(IMPORT)].map(([, from, bare]) => from ?? bare);
}

test('browser modules depend on each other one way', () => {
  for (const name of modules()) {
    const [folder] = name.split(/[\\/]/);
    const allowed = /** @type {Record<string, string[]>} */ (MAY_IMPORT)[folder];
    assert.ok(allowed, `${folder} is a new folder: say what it may import`);
    for (const address of importsOf(name)) {
      if (!address.startsWith('.')) continue;
      const [target] = relative(ROOT, resolve(ROOT, dirname(name), address)).split(/[\\/]/);
      assert.ok(target === folder || allowed.includes(target), `${name} imports ${address}`);
    }
  }
});

test('only the decoder worker knows onnxruntime', () => {
  const imported = /\bort[\w.-]*\.mjs|from '[^']*onnxruntime/;
  const knowing = modules().filter((name) => imported.test(readFileSync(join(ROOT, name), 'utf8')));
  assert.deepEqual(knowing, [join('decoder', 'decoder_worker.js')]);
});
