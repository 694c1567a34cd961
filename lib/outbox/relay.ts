import { clock } from '../time/clock.js';
import { pauseUntil } from '../time/pause-until.js';
import { makeStopper } from '../time/stopper.js';
import { within } from '../time/within.js';
import type { Lanes } from './lanes/lanes.js';
import { lanesOf } from './lanes/lanes-of.js';
import type { CheckedOutboxOptions } from './outbox-options.js';
import type { RelayHost } from './relay-host.js';
import type { OutboxSql } from './sql/outbox-sql.js';

const LANES_AT_ONCE = 4;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 10_000;
const FORGET_EVERY_MS = 600_000;
const FORGOTTEN_AT_ONCE = 1_000;

/**
 * Sends what committed transactions have left in the outbox, beside any number of others that do the same. Who has a lane
 * sends what is in it; when it dies, another has the lane. It removes what the broker has confirmed, last: what dies in
 * between is sent again.
 */
export class Relay {
  private readonly stopping = makeStopper();
  private readonly lanes: Lanes;
  private running: Promise<void> | undefined;
  private wake: (() => void) | undefined;
  private wasTold = false;
  private failures = 0;
  private forgetAt = 0;

  constructor(private readonly options: CheckedOutboxOptions, private readonly sql: OutboxSql, private readonly host: RelayHost) {
    this.lanes = lanesOf(options, sql, host, () => this.isStopped);
  }

  start(): void {
    this.running ??= Promise.all([this.run(), this.listen()]).then(() => undefined);
  }

  /** What is on its way arrives, or is sent again by another. */
  async stop(limitMs: number): Promise<void> {
    this.stopping.abort();
    this.wake?.();
    if (this.running !== undefined) await within(limitMs, this.running);
  }

  private get isStopped(): boolean {
    return this.stopping.signal.aborted;
  }

  private async run(): Promise<void> {
    while (!this.isStopped) {
      try {
        const sent = await this.round();
        if (this.failures > 0) this.host.recovered('The outbox sends again.');
        this.failures = 0;
        await this.forget();
        if (sent === 0) await this.idle();
      } catch (error) {
        if (this.failures++ === 0) this.host.problem('The outbox cannot be read; its tasks wait, and it is tried again', error);
        await pauseUntil(Math.min(FIRST_PAUSE_MS * 2 ** Math.min(this.failures, 10), LONGEST_PAUSE_MS), this.stopping.signal);
      }
    }
  }

  /** Returns how many it has sent. */
  private async round(): Promise<number> {
    // A transaction is not to be kept open for as long as the broker is away.
    if (!this.host.isReady) return 0;
    // Each process begins elsewhere, so that they seldom want the same.
    const lanes = (await this.lanes.withWork()).map((lane) => ({ lane, at: clock.random() })).sort((a, b) => a.at - b.at).map(({ lane }) => lane);
    let sent = 0;
    const work = async (): Promise<void> => {
      for (let lane = lanes.pop(); lane !== undefined && !this.isStopped; lane = lanes.pop()) sent += await this.lanes.send(lane);
    };
    await Promise.all(Array.from({ length: Math.min(LANES_AT_ONCE, lanes.length) }, work));
    return sent;
  }

  /** The inbox need not know for ever what has run. */
  private async forget(): Promise<void> {
    const now = clock.now();
    if (now < this.forgetAt) return;
    const before = now - this.options.inboxDays * 86_400_000;
    const { database } = this.options;
    while (!this.isStopped && (await database.query(this.sql.outdated, [before])).length > 0) await database.query(this.sql.forget, [before, FORGOTTEN_AT_ONCE]);
    this.forgetAt = now + FORGET_EVERY_MS;
  }

  /** Until a notice comes, or it is time to look. */
  private async idle(): Promise<void> {
    if (this.wasTold) {
      this.wasTold = false;
      return;
    }
    const over = new AbortController();
    this.wake = () => over.abort();
    await pauseUntil(this.options.pollSeconds * 1000, over.signal);
    this.wake = undefined;
    this.wasTold = false;
  }

  /** As long as it is not stopped; where it cannot be listened, tasks are found when it is looked for them. */
  private async listen(): Promise<void> {
    const { database } = this.options;
    if (database.listen === undefined) return;
    while (!this.isStopped) {
      const lost = new AbortController();
      try {
        const stop = await database.listen(this.sql.channel, () => this.told(), () => lost.abort());
        this.told();
        await this.untilLostOrStopped(lost);
        await stop().catch(() => undefined);
      } catch {
        // The looking will say what is wrong with the database.
      }
      await pauseUntil(LONGEST_PAUSE_MS / 10, this.stopping.signal);
    }
  }

  private told(): void {
    this.wasTold = true;
    this.wake?.();
  }

  private untilLostOrStopped(lost: AbortController): Promise<void> {
    return new Promise((resolve) => {
      if (this.isStopped) return resolve();
      this.stopping.signal.addEventListener('abort', () => resolve(), { once: true });
      lost.signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }
}
