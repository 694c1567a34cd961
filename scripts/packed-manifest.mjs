/**
 * What is packed carries @golevelup/nestjs-discovery in its build (`build-in-discovery.mjs`), so the packed manifest must
 * not name it: its peer range would reach users of Nest 12. `leave-out` takes it from `package.json` before packing
 * (`prepack`), `restore` puts the file back as it was (`postpack`, and before anything else should a packing have been
 * interrupted). `refuse` is for `npm publish` in this folder, which tells the registry what stands here again by then.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const PACKAGE = '@golevelup/nestjs-discovery';
const root = join(import.meta.dirname, '..');
const manifest = join(root, 'package.json');
/** Beside what is packed, and in the way of no build. */
const kept = join(root, 'dist/package.json.unpacked');

const steps = { 'leave-out': leaveOut, restore, refuse };
const step = steps[process.argv[2]];
if (step === undefined) throw new Error(`packed-manifest.mjs takes one of ${Object.keys(steps).join(', ')}; found ${process.argv[2]}.`);
step();

function leaveOut() {
  restore();
  const original = readFileSync(manifest, 'utf8');
  const changed = JSON.parse(original);
  if (changed.dependencies[PACKAGE] === undefined) throw new Error(`package.json does not name ${PACKAGE} among its dependencies: where it is no longer used, this step has to go.`);
  delete changed.dependencies[PACKAGE];
  writeFileSync(kept, original);
  writeFileSync(manifest, `${JSON.stringify(changed, undefined, 2)}\n`);
}

function restore() {
  if (!existsSync(kept)) return;
  writeFileSync(manifest, readFileSync(kept));
  rmSync(kept);
}

function refuse() {
  console.error('Publish what was packed, not this folder: npm pack, then npm publish nestjs-dispatcher-<version>.tgz. See CONTRIBUTING.md.');
  process.exitCode = 1;
}
