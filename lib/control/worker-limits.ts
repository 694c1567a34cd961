import type { Broker } from '../brokers/broker.js';
import { DispatcherError } from '../errors.js';
import { NoteRegister } from './note-register.js';
import { type RegisterListener, WatchedRegister } from './watched-register.js';
import { decodeWorkerLimit, encodeWorkerLimit, type WorkerLimit } from './worker-limit.js';

/** A register is for what people do by hand. */
const MOST_LIMITS = 1_000;

export function workerLimitQueue(exchange: string): string {
  return `${exchange}.control.v1.worker-limits`;
}

const keyOf = ({ worker }: WorkerLimit): string => worker;

/** The limits that somebody has set for workers of this exchange, as this process knows them; kept up to date while they are watched. */
export class WorkerLimits {
  private readonly register: NoteRegister<WorkerLimit>;
  private readonly watched: WatchedRegister;
  private current: ReadonlyMap<string, number> = new Map();

  constructor(broker: Broker, exchange: string, listener: RegisterListener, private readonly now: () => Date) {
    this.register = new NoteRegister(broker, workerLimitQueue(exchange), { encode: encodeWorkerLimit, decode: decodeWorkerLimit, keyOf });
    this.watched = new WatchedRegister(broker, 'Which limits are set for workers', () => this.read(), listener);
  }

  /** What counts in place of the configuration's; `undefined`: nobody has set one. */
  of(worker: string): number | undefined {
    return this.current.get(worker);
  }

  /** Knows them when it resolves, if they can be known; goes on trying otherwise. Never rejects. */
  watch(): Promise<void> {
    return this.watched.watch();
  }

  stop(): Promise<void> {
    return this.watched.stop();
  }

  list(): Promise<WorkerLimit[]> {
    return this.register.read();
  }

  /** In place of what was set for these workers before. */
  async set(limit: Omit<WorkerLimit, 'since'>): Promise<void> {
    const known = await this.list();
    if (known.length >= MOST_LIMITS && !known.some(({ worker }) => worker === limit.worker)) {
      throw new DispatcherError('ERR_DISPATCHER_TOO_MANY_WORKER_LIMITS', `Limits of ${MOST_LIMITS} workers are set already; take some back first.`, { limit: MOST_LIMITS });
    }
    await this.register.write({ ...limit, since: this.now() });
    await this.watched.tell();
  }

  /** That of the configuration counts again. False where none was set. */
  async remove(worker: string): Promise<boolean> {
    const removed = await this.register.remove(worker);
    await this.watched.tell();
    return removed > 0;
  }

  private async read(): Promise<void> {
    this.current = new Map((await this.list()).map(({ worker, limit }) => [worker, limit]));
  }
}
