import { Inject, Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { DispatcherError, DispatcherService, ShutdownError, type TaskInput } from 'nestjs-dispatcher';
import { randomUUID } from 'node:crypto';
import { wordsRoutingKey } from '../dispatcher-config.js';
import type { Settings } from '../settings.js';
import { SETTINGS } from '../settings.token.js';
import { CountEvents, type CountEvent } from './count-events.js';
import { findTextFiles } from './find-text-files.js';
import { startProgress, type Progress } from './progress.js';
import { summaryText } from './summary.js';
import { WordTotals } from './word-totals.js';

/** Publishes that wait for their confirm at a time. */
const PUBLISHERS = 64;
/** Each waits for the broker as long as `publishTimeoutSeconds`. */
const MOST_TRIES = 6;
/** With nothing counted for so long, the rest is somewhere else: another process took it, for one. */
const LONGEST_SILENCE_MS = 90_000;

/** Publishes one task for each text file, and sums up what the workers of this process count. */
@Injectable()
export class CountingRun implements OnModuleDestroy {
  private readonly logger = new Logger('count');
  private readonly totals = new WordTotals();
  /** The tasks of this run that have no outcome yet. */
  private readonly open = new Set<string>();
  private progress: Progress | undefined;
  private onEvent: () => void = () => undefined;

  constructor(
    private readonly dispatcher: DispatcherService,
    private readonly events: CountEvents,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /** Resolves to true when the summary is printed, to false when a shutdown came in between. */
  async run(): Promise<boolean> {
    const startedAt = performance.now();
    const { texts, binaries, problems } = await findTextFiles(this.settings.roots);
    for (const { path, problem } of problems) this.totals.addProblem(path, problem);
    const subscription = this.events.subscribe((event) => this.note(event));
    try {
      this.progress = startProgress(this.counts ? 'counted' : 'published', texts.length);
      await this.publishAll(texts);
      if (this.counts) await this.allCounted();
      this.stopProgress();
      this.report(texts.length, binaries, (performance.now() - startedAt) / 1000);
      return true;
    } catch (error) {
      if (error instanceof ShutdownError) return false;
      throw error;
    } finally {
      this.stopProgress();
      subscription.unsubscribe();
    }
  }

  /** A bar hides the cursor; a terminal must have it back when the app is stopped half-way. */
  onModuleDestroy(): void {
    this.stopProgress();
  }

  private stopProgress(): void {
    this.progress?.stop();
    this.progress = undefined;
  }

  /** A sender's counts happen elsewhere; the workers' logs have them. */
  private get counts(): boolean {
    return this.settings.role === 'both';
  }

  private async publishAll(paths: readonly string[]): Promise<void> {
    const rest = paths.values();
    const publishRest = async (): Promise<void> => {
      for (const path of rest) await this.publish(path);
    };
    await Promise.all(Array.from({ length: PUBLISHERS }, publishRest));
  }

  private async publish(path: string): Promise<void> {
    // Chosen here and not by publish(): a quick worker may be done before publish() returns.
    const uuid = randomUUID();
    this.open.add(uuid);
    await this.publishUntilTaken({
      uuid, name: 'count_words', args: [{ type: 'string', value: path }], routingKey: wordsRoutingKey(this.settings),
    });
    if (!this.counts) this.progress?.add();
  }

  /** Always under the same uuid: should an earlier try have got there after all, its count is taken once. */
  private async publishUntilTaken(task: TaskInput): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        await this.dispatcher.publish(task);
        return;
      } catch (error) {
        if (!(error instanceof DispatcherError) || !error.retryable || error instanceof ShutdownError || tries === MOST_TRIES) throw error;
      }
    }
  }

  /** Delivery is at least once: the set makes a second run of the same task count once. */
  private note({ uuid, worker, path, count, problem }: CountEvent): void {
    if (!this.open.delete(uuid)) return;
    if (count !== undefined) this.totals.add(path, worker, count);
    else this.totals.addProblem(path, problem ?? 'unknown');
    this.progress?.add();
    this.onEvent();
  }

  private allCounted(): Promise<void> {
    return new Promise((resolve) => {
      const giveUp = setTimeout(resolve, LONGEST_SILENCE_MS);
      this.onEvent = () => {
        giveUp.refresh();
        if (this.open.size > 0) return;
        clearTimeout(giveUp);
        resolve();
      };
      if (this.open.size === 0) this.onEvent();
    });
  }

  private report(files: number, binaries: number, seconds: number): void {
    if (!this.counts) {
      this.logger.log(`${files} tasks are with the broker, in ${seconds.toFixed(2)} s; "npm run start:worker" runs them.`);
      return;
    }
    process.stdout.write(`${summaryText(this.totals, seconds, binaries)}\n`);
    if (this.open.size > 0) {
      this.logger.warn(`${this.open.size} tasks were not run by this process; another worker of the same queue took them, or they wait in it.`);
    }
  }
}
