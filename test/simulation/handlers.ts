import type { TaskMap } from '../../lib/worker/handler.js';
import { currentTask, type TaskContext } from '../../lib/worker/task-context.js';
import { GiveUp } from '../../lib/task/verdicts.js';
import { clock } from '../../lib/time/clock.js';
import { pauseUntil } from '../../lib/time/pause-until.js';
import type { Run } from './account.js';
import { ATTEMPTS, GLOBAL_LIMIT } from './ledger.js';

/** What the attempts of a task do, one after the other: how, and for how many milliseconds; the last one again and again. */
export type Plan = string;
export const ENDS = ['ok', 'fail', 'give-up', 'hang', 'deaf'] as const;
export type End = (typeof ENDS)[number];

export const TIMEOUT_SECONDS = 20;

export interface Watch {
  began(run: Run): void;
  ended(run: Run, state: Exclude<Run['state'], 'running'>): void;
}

/** The handlers of one process: they do what the task says, on the simulated clock. */
export function handlersFor(owner: number, watch: Watch): TaskMap {
  const retry = { attempts: ATTEMPTS, delaySeconds: 2, maxDelaySeconds: 30 };
  const options = { retry, timeoutSeconds: TIMEOUT_SECONDS };
  const act = (key: string | undefined, plan: Plan, value: unknown): Promise<unknown> => perform(owner, watch, key, plan, value);
  return {
    plain: { ...options, function: (plan: Plan) => act(undefined, plan, plan) },
    limited: { ...options, limits: { global: GLOBAL_LIMIT }, function: (plan: Plan) => act(undefined, plan, plan) },
    keyed: { ...options, limits: { perKey: { key: ([, key]: readonly unknown[]) => String(key), global: 1 } }, function: (plan: Plan, key: string) => act(key, plan, plan) },
    unique: { ...options, function: (plan: Plan, key: string) => act(key, plan, plan) },
  };
}

async function perform(owner: number, watch: Watch, key: string | undefined, plan: Plan, value: unknown): Promise<unknown> {
  const { uuid, name, attempt, signal } = currentTask() as TaskContext;
  const run: Run = { uuid, name, attempt, owner, key, state: 'running' };
  watch.began(run);
  const parts = plan.split(',');
  const [end, ms] = (parts[Math.min(attempt, parts.length) - 1] as string).split(':') as [End, string];
  // From then on it is another's, whatever it does.
  signal.addEventListener('abort', () => watch.ended(run, 'aborted'), { once: true });
  await pause(end === 'hang' || end === 'deaf' ? 10 * TIMEOUT_SECONDS * 1000 : Number(ms), end === 'deaf' ? undefined : signal);
  signal.throwIfAborted();
  watch.ended(run, end === 'ok' ? 'returned' : end === 'give-up' ? 'gave-up' : 'threw');
  if (end === 'ok') return value;
  // A verdict is thrown and is no error.
  // eslint-disable-next-line @typescript-eslint/only-throw-error
  throw end === 'give-up' ? new GiveUp('as planned') : new Error('as planned');
}

/** Short tasks end at once; those that are no deaf ones when they are asked to. */
function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  if (ms === 0) return Promise.resolve();
  return signal === undefined ? clock.sleep(ms) : pauseUntil(ms, signal);
}
