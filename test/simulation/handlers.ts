import type { TaskMap } from '../../lib/worker/handler.js';
import { currentTask, type TaskContext } from '../../lib/worker/task-context.js';
import { GiveUp } from '../../lib/task/verdicts.js';
import { clock } from '../../lib/time/clock.js';
import { pauseUntil } from '../../lib/time/pause-until.js';
import type { Run } from './account.js';
import { ATTEMPTS, GLOBAL_LIMIT } from './attempts.js';
import { valueOf, type Flows } from './flows.js';

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
export function handlersFor(owner: number, watch: Watch, flows: Flows): TaskMap {
  const retry = { attempts: ATTEMPTS, delaySeconds: 2, maxDelaySeconds: 30 };
  const options = { retry, timeoutSeconds: TIMEOUT_SECONDS };
  const act = (key: string | undefined, plan: Plan, value: unknown, of: Watch = watch): Promise<unknown> => perform(owner, of, key, plan, value);
  const following = (id: string, index: number | undefined): Watch => ({
    began: (run) => { watch.began(run); flows.began(id, run); },
    ended: (run, state) => { watch.ended(run, state); flows.ended(id, index, run); },
  });
  return {
    plain: { ...options, function: (plan: Plan) => act(undefined, plan, plan) },
    limited: { ...options, limits: { global: GLOBAL_LIMIT }, function: (plan: Plan) => act(undefined, plan, plan) },
    keyed: { ...options, limits: { perKey: { key: ([, key]: readonly unknown[]) => String(key), global: 1 } }, function: (plan: Plan, key: string) => act(key, plan, plan) },
    unique: { ...options, function: (plan: Plan, key: string) => act(key, plan, plan) },
    tick: { ...options, function: () => act(undefined, 'ok:10', undefined) },
    step: {
      ...options,
      function: (...args: unknown[]) => {
        const [plan, id, index] = args.slice(-3) as [Plan, string, number];
        flows.stepBegan(id, index, args.length > 3 ? args[0] : undefined);
        return act(undefined, plan, valueOf(id, index), following(id, index));
      },
    },
    collect: {
      ...options,
      function: (results: unknown, plan: Plan, id: string) => {
        flows.collectBegan(id, results);
        return act(undefined, plan, undefined, following(id, undefined));
      },
    },
  };
}

async function perform(owner: number, watch: Watch, key: string | undefined, plan: Plan, value: unknown): Promise<unknown> {
  const { uuid, name, attempt, redelivered, signal } = currentTask() as TaskContext;
  const run: Run = { uuid, name, attempt, owner, key, redelivered, state: 'running' };
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
