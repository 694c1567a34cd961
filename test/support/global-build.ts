import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import buildPage from './global-page.js';

/** Set by `npm test`, which has built already. */
const ALREADY_BUILT = 'DISPATCHER_TEST_BUILT';
/** Far more than it takes on a busy machine. */
const LIMIT_MS = 600_000;
const KEY = Symbol.for('nestjs-dispatcher.test.build');
const shared = globalThis as Record<symbol, Promise<void> | undefined>;

/**
 * Compiles everything into `dist`, for tests that start real child processes (`processes.ts`).
 * It takes TypeScript's own compiler, the native one: what vitest itself compiles with leaves decorator metadata incomplete.
 */
export default function setup(): Promise<void> {
  if (process.env[ALREADY_BUILT] === '1') return Promise.resolve();
  return shared[KEY] ??= build();
}

async function build(): Promise<void> {
  // What serves the dashboard does not start without its page.
  await buildPage();
  const tsgo = join(process.cwd(), 'node_modules', '@typescript', 'native-preview', 'bin', 'tsgo');
  try {
    await promisify(execFile)(process.execPath, [tsgo, '-p', 'tsconfig.json'], { timeout: LIMIT_MS, maxBuffer: 10_000_000 });
  } catch (error) {
    // Then `dist` is what it was before: tests would run what is no more.
    if ((error as { killed?: boolean }).killed === true) throw new Error(`The compiler was not done within ${LIMIT_MS / 1000} s. Is the machine busy? Run \`npx tsgo -p tsconfig.json\` and then the tests with ${ALREADY_BUILT}=1.`, { cause: error });
    // Type errors do not keep it from writing its output, and do not keep other tests from being run.
    console.warn(`The sources have type errors (npm run typecheck):\n${(error as { stdout?: string }).stdout ?? String(error)}`);
  }
}
