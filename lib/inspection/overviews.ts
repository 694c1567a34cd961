import { clock } from '../time/clock.js';
import type { Asker } from './asking/asker.js';
import { OverviewAsker } from './asking/overview-asker.js';
import { type OverviewOptions, runningOf, timeoutOf } from './inspect-options.js';
import type { OverviewReport } from './model.js';
import { countsOf, queuesReportOf, type QueueSource } from './queues-report.js';

/** Several who look at the same time are told the same. */
const FRESH_MS = 500;

export interface OverviewsDependencies {
  readonly asker: Asker;
  /** What it tells is asked again and again. */
  readonly lastingQueues: QueueSource;
  /** Resolves when the broker can be used. */
  readonly ready: () => Promise<void>;
  readonly now: () => number;
}

/** Looks at all processes and queues at once. */
export class Overviews {
  private readonly asker: OverviewAsker;
  /** `at` by the clock that nobody sets back. */
  private latest: { readonly at: number; readonly running: number | undefined; readonly report: Promise<OverviewReport> } | undefined;

  constructor(private readonly dependencies: OverviewsDependencies) {
    this.asker = new OverviewAsker(dependencies.asker, dependencies.now);
  }

  async look(options: OverviewOptions | undefined): Promise<OverviewReport> {
    const [timeoutMs, running] = [timeoutOf(options), runningOf(options)];
    const { latest } = this;
    if (latest !== undefined && latest.running === running && clock.elapsed() - latest.at <= FRESH_MS) return latest.report;
    const report = this.report(running, timeoutMs);
    this.latest = { at: clock.elapsed(), running, report };
    report.catch(() => { this.latest = undefined; });
    return report;
  }

  /** The broker is asked while the processes are. */
  private async report(running: number | undefined, timeoutMs: number): Promise<OverviewReport> {
    const { asker, lastingQueues, now, ready } = this.dependencies;
    await ready();
    const [counts, told] = await Promise.all([countsOf(lastingQueues, this.asker.queues()), this.asker.ask(running, timeoutMs)]);
    const queues = await queuesReportOf(counts, lastingQueues, told.parts);
    return { processes: asker.known.list(now()).sort((a, b) => a.startedAt - b.startedAt), queues, ...(told.running === undefined ? {} : { running: told.running }) };
  }
}
