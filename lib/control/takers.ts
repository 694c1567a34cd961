import { createHash } from 'node:crypto';
import type { Broker } from '../brokers/broker.js';
import { DispatcherError } from '../errors.js';
import type { StateBackend } from '../state/state-backend.js';
import { clock, type ClockTimer } from '../time/clock.js';
import type { Taker } from '../worker/worker.js';
import { MixedQueues } from './mixed-queues.js';
import { decodeTakers, encodeTakers, setId, takes, type TakerRecord, withTaker } from './taker-record.js';
import { type RegisterListener, WatchedRegister } from './watched-register.js';

/** Each conflict means that somebody else has said something. */
const MOST_CONFLICTS = 20;
/** Stores take short keys only. */
const LONGEST_READABLE_KEY = 150;
/** How far the clocks of two processes may be apart. */
const CLOCKS_APART_MS = 60_000;

/** What a worker of this process takes from which queue; of those that consume, or will once a pause ends. */
export interface TakingWorker {
  readonly queue: string;
  /** Names, and versions of them, as `takenName` tells them. */
  readonly takenNames: readonly string[];
}

export interface TakersTimes {
  /** What nobody has said for so long, beside what clocks may be apart, nobody takes any more. */
  readonly leaseMs: number;
  /** How often the living say it. */
  readonly renewMs: number;
  /** How long what was read is taken for true. */
  readonly freshMs: number;
  /** How long those who have just been asked may take to say it. */
  readonly answerMs: number;
}

export interface TakersDependencies {
  readonly broker: Broker;
  readonly exchange: string;
  readonly backend: () => Promise<StateBackend>;
  readonly workers: () => readonly TakingWorker[];
  readonly problem: RegisterListener['problem'];
  readonly now: () => number;
  readonly times?: TakersTimes;
}

const TIMES: TakersTimes = { leaseMs: 60_000, renewMs: 15_000, freshMs: 1_000, answerMs: 5_000 };

/**
 * Which names the living workers of a queue take, in all processes of an exchange, for who meets one that he does not
 * know. Nothing is written, and no state opened, before that happens: then the queue is noted as a mixed one, everybody
 * is told, and from then on each process with workers on it says what they take, and says so again while it lives.
 */
export class Takers {
  private readonly mixed: MixedQueues;
  private readonly watched: WatchedRegister;
  private readonly times: TakersTimes;
  private readonly read = new Map<string, { readonly record: Promise<TakerRecord>; readonly until: number }>();
  private readonly noting = new Map<string, Promise<void>>();
  private timer: ClockTimer | undefined;
  private renewing: Promise<void> | undefined;
  private failures = 0;
  private stopped = false;

  constructor(private readonly dependencies: TakersDependencies) {
    const { broker, exchange, problem, now, times = TIMES } = dependencies;
    this.times = times;
    this.mixed = new MixedQueues(broker, exchange, now);
    this.watched = new WatchedRegister(broker, 'On which queues workers have different tasks', () => this.mixed.read(), { changed: () => void this.renew(), problem });
  }

  watch(): Promise<void> {
    return this.watched.watch();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clock.clear(this.timer);
    await this.watched.stop();
    await this.renewing;
  }

  /** Whether somebody living takes tasks of this name from this queue. Never rejects. */
  async whoTakes(queue: string, name: string): Promise<Taker> {
    try {
      if (this.mixed.needsNote(queue)) await this.ask(queue);
      if (takes(await this.record(queue), name, this.livingSince)) return 'somebody';
      this.failures = 0;
      return Math.abs(this.dependencies.now() - (this.mixed.notedAt(queue) ?? 0)) < this.times.answerMs ? 'unsure' : 'nobody';
    } catch (error) {
      this.failed(`Who takes tasks named "${name}" from the queue "${queue}" could not be asked.`, error);
      return error instanceof DispatcherError && error.retryable ? 'unsure' : 'nobody';
    }
  }

  /** Says what the workers of this process take, where somebody has asked. One round at a time; never rejects. */
  renew(): Promise<void> {
    return (this.renewing ??= this.renewAll().finally(() => { this.renewing = undefined; }));
  }

  private get livingSince(): number {
    return this.dependencies.now() - this.times.leaseMs - CLOCKS_APART_MS;
  }

  private ask(queue: string): Promise<void> {
    let noting = this.noting.get(queue);
    if (noting === undefined) {
      noting = this.mixed.note(queue).then(() => this.watched.tell()).finally(() => this.noting.delete(queue));
      this.noting.set(queue, noting);
    }
    return noting;
  }

  /** A thousand unknown tasks ask once. */
  private record(queue: string): Promise<TakerRecord> {
    const now = clock.elapsed();
    const known = this.read.get(queue);
    if (known !== undefined && known.until > now) return known.record;
    const record = this.readRecord(queue);
    this.read.set(queue, { record, until: now + this.times.freshMs });
    record.catch(() => this.read.delete(queue));
    return record;
  }

  private async readRecord(queue: string): Promise<TakerRecord> {
    return decodeTakers(await (await this.dependencies.backend()).get(this.keyOf(queue)));
  }

  private async renewAll(): Promise<void> {
    const mixed = new Set(this.stopped ? [] : this.mixed.names);
    const own = this.dependencies.workers().filter(({ queue, takenNames }) => mixed.has(queue) && takenNames.length > 0);
    clock.clear(this.timer);
    this.timer = undefined;
    if (mixed.size === 0 || this.stopped) return;
    // Also while nothing is said: a worker may start later on.
    this.timer = clock.setInterval(() => void this.renew(), this.times.renewMs).unref();
    try {
      for (const { queue, takenNames } of own) await this.say(queue, takenNames);
      this.failures = 0;
    } catch (error) {
      this.failed('That the workers of this process are there could not be said; it is tried again.', error);
    }
  }

  /** Nothing is written where another process with the same tasks has just said it. */
  private async say(queue: string, names: readonly string[]): Promise<void> {
    const backend = await this.dependencies.backend();
    const key = this.keyOf(queue);
    for (let conflicts = 0; conflicts < MOST_CONFLICTS && !this.stopped; conflicts++) {
      const found = await backend.get(key);
      const record = decodeTakers(found);
      const now = this.dependencies.now();
      const said = record.get(setId(names));
      if (said !== undefined && Math.abs(now - said.at) < this.times.renewMs / 2) return;
      const next = encodeTakers(withTaker(record, names, now, this.livingSince));
      const expiry = { expiresInMs: 2 * (this.times.leaseMs + CLOCKS_APART_MS) };
      if (found === undefined ? (await backend.setIfAbsent(key, next, expiry)).taken : await backend.replaceIfEqual(key, found, next, expiry)) return;
    }
  }

  private keyOf(queue: string): string {
    const whole = `takers:${this.dependencies.exchange}:${queue}`;
    return whole.length <= LONGEST_READABLE_KEY ? whole : `takers:${createHash('sha256').update(whole).digest('base64url')}`;
  }

  private failed(message: string, error: unknown): void {
    if (this.stopped || this.failures++ > 0) return;
    this.dependencies.problem(message, error);
  }
}
