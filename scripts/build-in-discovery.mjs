/**
 * Puts @golevelup/nestjs-discovery into the build that is packed (`prepack`), and has our code take it from there.
 *
 * Its newest version asks for Nest 11 alone as its peer, though it works on Nest 12. As a dependency, or as a bundled one,
 * it makes yarn warn every user of Nest 12, npm too, and `npm ls` fail there. Built in, its needs are ours, which allow both.
 * Nothing but `dist` is changed, which every build makes anew.
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';

const PACKAGE = '@golevelup/nestjs-discovery';
const root = join(import.meta.dirname, '..');
const library = join(root, 'dist/lib');
const place = join(library, 'built-in/nestjs-discovery');

copyPackage(join(root, 'node_modules', PACKAGE));
const changed = filesOf(library).filter((file) => !file.startsWith(place)).filter(takeFromPlace);
if (changed.length === 0) throw new Error(`Nothing in ${library} takes ${PACKAGE}: has it been built? Where the package is no longer used, this step has to go.`);

function copyPackage(from) {
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place, { recursive: true });
  for (const name of readdirSync(join(from, 'lib')).filter((file) => !file.endsWith('.map'))) {
    writeFileSync(join(place, name), readFileSync(join(from, 'lib', name), 'utf8').replace(/^\/\/# sourceMappingURL=.*$/m, ''));
  }
  cpSync(join(from, 'LICENSE'), join(place, 'LICENSE'));
}

/** Code and types name the package in quotes, and nothing else does. */
function takeFromPlace(file) {
  if (!/\.(js|d\.ts)$/.test(file)) return false;
  const text = readFileSync(file, 'utf8');
  const path = relative(dirname(file), join(place, 'index.js')).split(sep).join('/');
  const taken = text.replaceAll(new RegExp(`(["'])${PACKAGE}\\1`, 'g'), `$1${path.startsWith('.') ? path : `./${path}`}$1`);
  if (taken === text) return false;
  writeFileSync(file, taken);
  return true;
}

function filesOf(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
}
