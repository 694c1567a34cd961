import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { debounceTime, type Subscription, tap } from 'rxjs';
import { CountEvents } from './count-events.js';
import { summaryLine } from './summary.js';
import { WordTotals } from './word-totals.js';

const QUIET_MS = 1_000;

/** What a worker process has counted so far, logged for each of its workers whenever it falls quiet, and at the end. */
@Injectable()
export class WorkerReport implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger('counted');
  private readonly totals = new WordTotals();
  private subscription: Subscription | undefined;
  private unsaid = false;

  constructor(private readonly events: CountEvents) {}

  onModuleInit(): void {
    this.subscription = this.events.pipe(
      tap(({ path, worker, count, problem }) => {
        this.unsaid = true;
        if (count !== undefined) this.totals.add(path, worker, count);
        else this.totals.addProblem(path, problem ?? 'unknown');
      }),
      debounceTime(QUIET_MS),
    ).subscribe(() => this.say());
  }

  onApplicationShutdown(): void {
    this.subscription?.unsubscribe();
    if (this.unsaid) this.say();
  }

  private say(): void {
    this.unsaid = false;
    this.logger.log(summaryLine(this.totals));
  }
}
