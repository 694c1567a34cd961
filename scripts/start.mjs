// npm start [-- [folder] [--once] [--role=both|sender|worker]]: installs what is missing, builds, runs the sample app.
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ensureBuilt } from './ensure-built.mjs';
import { ensureInstalled } from './ensure-installed.mjs';
import { ensureNodeVersion } from './ensure-node-version.mjs';

ensureNodeVersion();
const root = join(dirname(fileURLToPath(import.meta.url)), '..');

for (const step of [ensureInstalled, ensureBuilt]) {
  const code = await step(root);
  if (code !== 0) process.exit(code);
}

// In this very process: nothing stands between the app and its signals, its terminal and its exit code.
await import(pathToFileURL(join(root, 'dist/sample-app/src/main.js')).href);
