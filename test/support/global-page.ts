import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const KEY = Symbol.for('nestjs-dispatcher.test.page');
const shared = globalThis as Record<symbol, Promise<unknown> | undefined>;

/** Builds the page of the dashboard into `dist`, unless `npm test` has built everything already. */
export default async function setup(): Promise<void> {
  if (process.env['DISPATCHER_TEST_BUILT'] === '1') return;
  const vite = join(process.cwd(), 'node_modules/vite/bin/vite.js');
  await (shared[KEY] ??= promisify(execFile)(process.execPath, [vite, 'build', '--logLevel', 'warn', '--config', 'dashboard/vite.config.mts'], { timeout: 120_000 }));
}
