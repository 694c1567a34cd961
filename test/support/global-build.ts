import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import buildPage from './global-page.js';

/** Set by `npm test`, which has built already. */
const ALREADY_BUILT = 'DISPATCHER_TEST_BUILT';
const KEY = Symbol.for('nestjs-dispatcher.test.build');
const shared = globalThis as Record<symbol, Promise<void> | undefined>;

/**
 * Compiles everything into `dist`, for tests that start real child processes (`processes.ts`).
 * It takes tsc: what vitest itself compiles with leaves decorator metadata incomplete.
 */
export default function setup(): Promise<void> {
  if (process.env[ALREADY_BUILT] === '1') return Promise.resolve();
  return shared[KEY] ??= build();
}

async function build(): Promise<void> {
  // What serves the dashboard does not start without its page.
  await buildPage();
  const tsc = join(process.cwd(), 'node_modules', 'typescript', 'bin', 'tsc');
  try {
    await promisify(execFile)(process.execPath, [tsc, '-p', 'tsconfig.json'], { timeout: 180_000, maxBuffer: 10_000_000 });
  } catch (error) {
    // Type errors do not keep tsc from writing its output, and do not keep other tests from being run.
    console.warn(`The sources have type errors (npm run typecheck):\n${(error as { stdout?: string }).stdout ?? String(error)}`);
  }
}
