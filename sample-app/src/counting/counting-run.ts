import { Inject, Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { DispatcherError, DispatcherService, type PublishedWorkflow, ResultWaitTimeoutError, ShutdownError } from 'nestjs-dispatcher';
import type { Settings } from '../settings.js';
import { SETTINGS } from '../settings.token.js';
import { CountEvents } from './count-events.js';
import { findTextFiles } from './find-text-files.js';
import { startProgress, type Progress } from './progress.js';
import { summaryText } from './summary.js';
import { wordCount } from './word-count.workflow.js';
import { type TotalsData, WordTotals } from './word-totals.js';

/** Each waits for the broker as long as `publishTimeoutSeconds`. */
const MOST_TRIES = 6;
/** With nothing counted for so long, nobody is counting. */
const LONGEST_SILENCE_SECONDS = 90;

/** Publishes one task for each text file and one that sums up what they return: a chord. */
@Injectable()
export class CountingRun implements OnModuleDestroy {
  private readonly logger = new Logger('count');
  private progress: Progress | undefined;

  constructor(
    private readonly dispatcher: DispatcherService,
    private readonly events: CountEvents,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /** Resolves to true when the summary is printed, to false when a shutdown came in between. */
  async run(): Promise<boolean> {
    const startedAt = performance.now();
    const { texts, binaries, problems } = await findTextFiles(this.settings.roots);
    const open = new Set(texts);
    // Delivery is at least once: the set makes a second run of the same task count once.
    const subscription = this.events.subscribe(({ path }) => { if (open.delete(path)) this.progress?.add(); });
    try {
      const totals = await this.count(texts);
      if (totals === undefined) return this.sent(texts.length, (performance.now() - startedAt) / 1000);
      for (const { path, problem } of problems) totals.addProblem(path, problem);
      process.stdout.write(`${summaryText(totals, (performance.now() - startedAt) / 1000, binaries)}\n`);
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

  /** `undefined`: other processes count. */
  private async count(paths: readonly string[]): Promise<WordTotals | undefined> {
    if (paths.length === 0) return new WordTotals();
    const counts = this.settings.role === 'both';
    if (counts) this.progress = startProgress('counted', paths.length);
    const workflow = await this.publishUntilTaken(paths);
    const totals = counts ? WordTotals.from(await this.totalsOf(workflow)) : undefined;
    this.stopProgress();
    this.logger.log(`GET /workflows/${workflow.uuid} tells which of its steps are where.`);
    return totals;
  }

  /** A try that failed half-way is called off by publish() itself: none of its files is counted twice. */
  private async publishUntilTaken(paths: readonly string[]): Promise<PublishedWorkflow> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.dispatcher.publish(wordCount(paths, this.settings));
      } catch (error) {
        if (!(error instanceof DispatcherError) || !error.retryable || error instanceof ShutdownError || tries === MOST_TRIES) throw error;
      }
    }
  }

  /** For as long as it takes, while it goes on. */
  private async totalsOf(workflow: PublishedWorkflow): Promise<TotalsData> {
    for (let before = -1; ;) {
      try {
        return await workflow.result({ timeoutSeconds: LONGEST_SILENCE_SECONDS }) as TotalsData;
      } catch (error) {
        const ended = (await workflow.progress())?.root.steps?.[0]?.ended ?? 0;
        if (!(error instanceof ResultWaitTimeoutError) || ended === before) throw error;
        before = ended;
      }
    }
  }

  private sent(files: number, seconds: number): true {
    this.logger.log(`${files} tasks are with the broker, in ${seconds.toFixed(2)} s; "npm run start:worker" runs them.`);
    return true;
  }
}
