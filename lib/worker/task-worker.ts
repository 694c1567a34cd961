import type { CancelReasonOf } from './gates/cancel-gate.js';
import { WorkerLines } from './intake/worker-lines.js';
import type { ObservedRun } from './run-observer.js';
import { RunContexts } from './run-contexts.js';
import { Session } from './session.js';
import { DEFAULT_LIMIT, type WorkerConfig } from './worker-config.js';
import { checkWorkerLimit } from './worker-limit.js';
import type { Worker, WorkerActivity, WorkerDependencies } from './worker.js';

const DEFAULT_CLOSE_MS = 25_000;
const IDLE: WorkerActivity = { running: 0, waiting: 0, ended: 0 };

/** Consumes one queue, and those beside it, and runs up to `limit` handlers at once. */
export class TaskWorker implements Worker {
  readonly name: string;
  readonly queue: string;
  private slots: number;
  /** Made with the worker: who starts it again, from a request for one, must not lend its own context to all runs. */
  private readonly contexts = new RunContexts();
  private paused = false;
  private readonly lines: WorkerLines;
  private session: Session | undefined;
  /** While it closes. */
  private leaving: Session | undefined;
  private starting: Promise<void> | undefined;
  private closing: Promise<void> | undefined;

  constructor(private readonly config: WorkerConfig, private readonly dependencies: WorkerDependencies) {
    this.name = config.name;
    this.queue = config.queue;
    this.slots = config.limit || DEFAULT_LIMIT;
    this.lines = new WorkerLines(config, dependencies);
  }

  get limit(): number { return this.slots; }

  get queues(): readonly string[] { return this.lines.queues; }

  get activity(): WorkerActivity {
    return this.session?.activity ?? IDLE;
  }

  get runs(): readonly ObservedRun[] {
    return [...this.session?.runs ?? [], ...this.leaving?.runs ?? []];
  }

  setLimit(limit: number): void {
    checkWorkerLimit(this.name, limit);
    this.slots = limit;
    this.session?.setLimit(limit);
  }

  setPaused(paused: boolean): Promise<void> {
    this.paused = paused;
    return this.session?.setPaused(paused) ?? Promise.resolve();
  }

  cancel(reasonOf: CancelReasonOf): void {
    this.session?.cancel(reasonOf);
  }

  prepare(): Promise<void> {
    return this.lines.prepare();
  }

  async start(): Promise<void> {
    await this.closing;
    return (this.starting ??= this.begin());
  }

  close(deadlineMs: number = DEFAULT_CLOSE_MS): Promise<void> {
    return (this.closing ??= this.end(deadlineMs).finally(() => {
      this.closing = undefined;
      this.starting = undefined;
    }));
  }

  hurry(cause: string): void {
    this.leaving?.hurry(cause);
  }

  private async begin(): Promise<void> {
    const session = new Session(this.config, this.slots, this.lines.topology, this.dependencies, this.lines.makeIntake, this.contexts);
    this.session = session;
    try {
      await session.setPaused(this.paused);
    } catch (error) {
      this.session = undefined;
      this.starting = undefined;
      session.abandon();
      throw error;
    }
    this.dependencies.emit({ type: 'worker.started', worker: this.name, queue: this.queue });
  }

  private async end(deadlineMs: number): Promise<void> {
    await this.starting?.catch(() => undefined);
    const { session } = this;
    if (session === undefined) return;
    this.session = undefined;
    this.leaving = session;
    await session.close(deadlineMs);
    this.leaving = undefined;
    this.dependencies.emit({ type: 'worker.stopped', worker: this.name, queue: this.queue });
  }
}
