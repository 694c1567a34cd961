import { ConfigurationError, ShutdownError } from '../errors.js';
import type { CancelReasonOf } from '../worker/gates/cancel-gate.js';
import type { Handler, TaskMap } from '../worker/handler.js';
import type { ObservedRun } from '../worker/run-observer.js';
import type { Invokers } from '../worker/invokers.js';
import { familyOf, takenName, versionsTaken } from '../worker/versions.js';
import type { Worker, WorkerActivity } from '../worker/worker.js';
import type { WorkerConfig } from '../worker/worker-config.js';
import { checkWorkerLimit } from '../worker/worker-limit.js';
import type { FindProvider } from './resolve-middleware.js';
import { display } from '../task/argument-types.js';
import { nearestName } from '../task/nearest-name.js';
import { numberFromZero } from '../task/option-kinds.js';
import { handlersOf } from './task-map.js';
import { checkWorker } from './config/queue-config.js';

/** Longer timers of Node fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** A worker as applications see it. @publicApi */
export interface DispatcherWorker {
  readonly name: string;
  readonly queue: string;
  /** Starts to consume. Idempotent; a closed worker can be started again. In the role `publisher` it does nothing. */
  start(): Promise<void>;
  /**
   * Takes no more tasks, and resolves when the running ones have ended, at the latest after `deadlineMs`: what runs
   * then is aborted, and the broker gives it to another worker. Default: `shutdownTimeoutSeconds`. Idempotent.
   */
  close(deadlineMs?: number): Promise<void>;
  /** How many handlers may run at once now. */
  readonly limit: number;
  /** What it has in hand now, in this process. */
  readonly activity: WorkerActivity;
  /**
   * From now on so many handlers at once, in this process. More start at once; a smaller number takes effect as
   * running tasks end. Where `actions.limit` has set one for all processes, that one counts until it is taken back.
   *
   * @throws ConfigurationError for what is no whole number from 1
   */
  setLimit(limit: number): void;
}

export interface WorkerRegistryDependencies {
  /** The discovered tasks that this worker runs. */
  discover(config: WorkerConfig, all: readonly WorkerConfig[]): ReadonlyMap<string, Handler>;
  /** With the keys of the tasks that belong in its queue. @throws ConfigurationError where it contradicts the others */
  placed(config: WorkerConfig, others: readonly WorkerConfig[], saysType: boolean): WorkerConfig;
  /** As they are run: with the middleware of all. */
  complete(handlers: ReadonlyMap<string, Handler>): ReadonlyMap<string, Handler>;
  /** More may be put into its handlers while it runs. */
  make(config: WorkerConfig, handlers: ReadonlyMap<string, Handler>): Worker;
  /** For middlewares that are given as classes. */
  readonly find: FindProvider;
  readonly invokers: Invokers;
  /** Resolves when the broker can be used. */
  ready(): Promise<void>;
  /** False in the role `publisher`. */
  readonly consumes: boolean;
  onRefusedStart(worker: string): void;
  readonly closeMs: number;
  /** A worker was made, and is not started yet. */
  made?(worker: ManagedWorker): void;
  /** A worker takes tasks from now on. */
  started?(): void;
}

/** The workers of one dispatcher, by name. */
export class WorkerRegistry {
  private readonly workers = new Map<string, ManagedWorker>();
  private closed = false;

  constructor(private readonly dependencies: WorkerRegistryDependencies) {}

  /** Of the configuration, all at once: each must know what the others are assigned. @throws ConfigurationError */
  add(configs: readonly WorkerConfig[]): readonly ManagedWorker[] {
    const all = [...this.configs(), ...configs];
    return configs.map((config) => this.register(config, this.dependencies.discover(config, all), true));
  }

  /**
   * What has come since they were made, of those whose tasks are discovered.
   *
   * @param more workers that come too, and may be assigned some of it
   * @throws ConfigurationError; the workers before that one have theirs then
   */
  gain(more: readonly WorkerConfig[]): void {
    const all = [...this.configs(), ...more];
    for (const worker of this.workers.values()) {
      if (!worker.discovers) continue;
      const found = [...this.dependencies.discover(worker.config, all)].filter(([name, handler]) => isMore(handler, worker.handlers.get(name)));
      for (const [name, handler] of this.dependencies.complete(new Map(found))) worker.handlers.set(name, handler);
    }
  }

  /** @throws ConfigurationError, ShutdownError, or what the broker says to its queue */
  async create(config: WorkerConfig, tasks?: TaskMap): Promise<DispatcherWorker> {
    if (this.closed) throw new ShutdownError('The dispatcher is closing; no worker can be created any more.');
    const checked = this.dependencies.placed(checkWorker(config, 'The configuration of the worker'), this.configs(), config.type !== undefined);
    const handlers = tasks === undefined
      ? this.dependencies.discover(checked, [...this.configs(), checked])
      : handlersOf(tasks, checked, this.dependencies);
    const worker = this.register(checked, handlers, tasks === undefined);
    try {
      await worker.prepare();
    } catch (error) {
      this.workers.delete(checked.name);
      throw error;
    }
    return worker;
  }

  /** @throws ConfigurationError that lists the known ones */
  get(name: string): DispatcherWorker {
    const worker = this.workers.get(name);
    if (worker !== undefined) return worker;
    const known = [...this.workers.keys()];
    const nearest = nearestName(String(name), known);
    throw new ConfigurationError(
      `There is no worker "${name}". ${nearest === undefined ? '' : `Did you mean "${nearest}"? `}`
      + `Known workers: ${known.join(', ') || 'none yet; those of the configuration exist once the application has started'}.`, { worker: name, known });
  }

  list(): readonly ManagedWorker[] {
    return [...this.workers.values()];
  }

  /** Lets running tasks end, within the deadline. Never rejects for one worker before the others have closed. */
  async closeAll(deadlineMs: number): Promise<void> {
    const outcomes = await Promise.allSettled(this.list().map((worker) => worker.close(deadlineMs)));
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }

  /** Workers that are closing wait no longer. */
  hurry(cause: string): void {
    for (const worker of this.list()) worker.hurry(cause);
  }

  /** From now on nothing is created or started. */
  refuse(): void {
    this.closed = true;
    for (const worker of this.list()) worker.refused = true;
  }

  private configs(): WorkerConfig[] {
    return this.list().map(({ config }) => config);
  }

  private register(config: WorkerConfig, found: ReadonlyMap<string, Handler>, discovers: boolean): ManagedWorker {
    if (this.workers.has(config.name)) {
      throw new ConfigurationError(`There is a worker "${config.name}" already. Give this one another name, or use worker('${config.name}').`, { worker: config.name });
    }
    const handlers = new Map(this.dependencies.complete(found));
    const worker = new ManagedWorker(config, this.dependencies.make(config, handlers), handlers, discovers, this.dependencies);
    this.workers.set(config.name, worker);
    this.dependencies.made?.(worker);
    return worker;
  }
}

/** A name that is new, or a version of it. */
function isMore(found: Handler, known: Handler | undefined): boolean {
  return known === undefined || familyOf(found).length > familyOf(known).length;
}

/** A worker that waits for the broker before it starts, and knows the role of the process. */
export class ManagedWorker implements DispatcherWorker {
  readonly name: string;
  readonly queue: string;
  consuming = false;
  refused = false;
  private ownLimit: number;
  private sharedLimit: number | undefined;

  constructor(
    readonly config: WorkerConfig, private readonly worker: Worker, readonly handlers: Map<string, Handler>, readonly discovers: boolean,
    private readonly dependencies: Pick<WorkerRegistryDependencies, 'ready' | 'consumes' | 'onRefusedStart' | 'closeMs' | 'started'>,
  ) {
    this.name = config.name;
    this.queue = config.queue;
    this.ownLimit = worker.limit;
  }

  get limit(): number { return this.worker.limit; }

  get taskNames(): readonly string[] { return [...this.handlers.keys()]; }

  /** By which other processes know who takes what. */
  get takenNames(): readonly string[] {
    return [...this.handlers].flatMap(([name, handler]) => versionsTaken(handler).map((version) => takenName(name, version)));
  }

  get queues(): readonly string[] { return this.worker.queues; }

  get activity(): WorkerActivity { return this.worker.activity; }

  get runs(): readonly ObservedRun[] { return this.worker.runs; }

  setPaused(paused: boolean): Promise<void> {
    return this.worker.setPaused(paused);
  }

  setLimit(limit: number): void {
    checkWorkerLimit(this.name, limit);
    this.ownLimit = limit;
    this.obeyLimit();
  }

  /** What somebody has set for all processes. `undefined`: its own counts. */
  setSharedLimit(limit: number | undefined): void {
    this.sharedLimit = limit;
    this.obeyLimit();
  }

  private obeyLimit(): void {
    const limit = this.sharedLimit ?? this.ownLimit;
    if (limit !== this.worker.limit) this.worker.setLimit(limit);
  }

  cancel(reasonOf: CancelReasonOf): void {
    this.worker.cancel(reasonOf);
  }

  async prepare(): Promise<void> {
    await this.dependencies.ready();
    await this.worker.prepare();
  }

  async start(): Promise<void> {
    if (this.refused) throw this.closing();
    if (!this.dependencies.consumes) return this.dependencies.onRefusedStart(this.name);
    await this.dependencies.ready();
    if (this.refused) throw this.closing();
    await this.worker.start();
    this.consuming = true;
    this.dependencies.started?.();
  }

  private closing(): ShutdownError {
    return new ShutdownError(`The dispatcher is closing; worker "${this.name}" cannot be started any more.`, { worker: this.name });
  }

  hurry(cause: string): void {
    this.worker.hurry(cause);
  }

  async close(deadlineMs: number = this.dependencies.closeMs): Promise<void> {
    if (!numberFromZero.fits(deadlineMs)) {
      throw new ConfigurationError(`The deadline of close for worker "${this.name}" must be ${numberFromZero.expected}, in milliseconds; found ${display(deadlineMs)}.`, { worker: this.name });
    }
    this.consuming = false;
    await this.worker.close(Math.min(deadlineMs, LONGEST_TIMER_MS));
  }
}
