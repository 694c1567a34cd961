import type { Broker } from '../brokers/broker.js';
import { DispatcherError, ShutdownError } from '../errors.js';
import { callable, listOfTexts, numberFromZero, trueOrFalse } from '../task/option-kinds.js';
import { checkOptions, type OptionTable } from '../task/options.js';
import { clock } from '../time/clock.js';
import type { WorkerActivity } from '../worker/worker.js';

/** @publicApi */
export interface DrainOptions {
  /** Names of work queues. Default: all that this dispatcher's configuration and workers name. */
  readonly queues?: readonly string[];
  /**
   * Whether delayed tasks count (retries that wait among them), however far away they are. Brokers cannot tell for
   * which queue a delayed task is, so it counts all. Default: true where `queues` is not given.
   */
  readonly delayed?: boolean;
  /** Default: 300. */
  readonly timeoutSeconds?: number;
  /** Called at the first look and after each change. What it throws ends the drain. */
  readonly onProgress?: (progress: DrainProgress) => void;
}

/** What is left. @publicApi */
export interface DrainProgress {
  /** Waiting at the broker, by queue. What workers of other processes hold is in no broker's count. */
  readonly waiting: Readonly<Record<string, number>>;
  /** Delayed at the broker; absent where they do not count. */
  readonly delayed?: number;
  /** In the hands of this process' workers of these queues: running, being settled, or waiting for a slot. */
  readonly running: number;
}

export interface DrainDependencies {
  readonly broker: Broker;
  /** How many wait in a work queue and those beside it. */
  readonly depth: (queue: string) => Promise<number | undefined>;
  /** The workers of this process. */
  readonly workers: () => readonly { readonly queue: string; readonly activity: WorkerActivity }[];
  /** The work queues that this process knows. */
  knownQueues(): readonly string[];
  readonly now: () => number;
}

const OPTIONS: OptionTable<DrainOptions> = { queues: listOfTexts, delayed: trueOrFalse, timeoutSeconds: numberFromZero, onProgress: callable };
const DEFAULT_SECONDS = 300;
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 250;

/**
 * Resolves when nothing is left, by two looks in a row between which nothing ended here: a task that fails
 * between two counts goes back to where was counted already.
 *
 * @throws DispatcherError with the code ERR_DISPATCHER_DRAIN_TIMEOUT that says what is left
 */
export async function drain(dependencies: DrainDependencies, options?: DrainOptions): Promise<void> {
  const { now } = dependencies;
  const checked = checkOptions(options, OPTIONS, { of: 'drain', example: "{ queues: ['orders'], timeoutSeconds: 60 }" });
  const { onProgress, queues = dependencies.knownQueues(), delayed = checked.queues === undefined, timeoutSeconds = DEFAULT_SECONDS } = checked;
  const deadline = now() + 1000 * timeoutSeconds;
  let [quietSince, told]: [number | undefined, string] = [undefined, ''];
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    const { progress, ended } = await look(dependencies, queues, delayed);
    const text = JSON.stringify(progress);
    if (text !== told) {
      told = text;
      pauseMs = FIRST_PAUSE_MS;
      onProgress?.(progress);
    }
    const isQuiet = isNothing(progress);
    if (isQuiet && quietSince === ended) return;
    quietSince = isQuiet ? ended : undefined;
    if (now() >= deadline) throw timeout(progress, timeoutSeconds);
    await clock.sleep(pauseMs);
    refuseClosed(dependencies.broker);
  }
}

/** In the direction in which tasks move: delayed, then waiting, then here. */
async function look({ broker, depth, workers }: DrainDependencies, queues: readonly string[], delayed: boolean): Promise<{ progress: DrainProgress; ended: number }> {
  const later = delayed ? { delayed: await broker.delayedCount(true) } : {};
  const waiting: Record<string, number> = {};
  for (const queue of queues) waiting[queue] = (await depth(queue)) ?? 0;
  let [running, ended] = [0, 0];
  for (const { queue, activity } of workers()) {
    if (!queues.includes(queue)) continue;
    running += activity.running + activity.waiting;
    ended += activity.ended;
  }
  return { progress: { waiting, ...later, running }, ended };
}

function isNothing({ waiting, delayed = 0, running }: DrainProgress): boolean {
  return running === 0 && delayed === 0 && Object.values(waiting).every((count) => count === 0);
}

function refuseClosed({ state: { status } }: Broker): void {
  if (status === 'closing' || status === 'closed') throw new ShutdownError('The dispatcher is closing; it drains no further.');
}

function timeout(progress: DrainProgress, seconds: number): DispatcherError {
  return new DispatcherError('ERR_DISPATCHER_DRAIN_TIMEOUT',
    `Not drained within ${seconds} s (timeoutSeconds). Left: ${JSON.stringify(progress)}. `
    + 'Wait longer, add workers, or see whether a queue has no worker, is paused, or has tasks that are delayed for long.', { ...progress }, { retryable: true });
}
