import { DispatcherError } from '../../../errors.js';
import type { Clock } from '../../store/clock.js';
import type { StateCache } from './shared-state.js';
import { StoreTransaction } from './store-transaction.js';
import type { BrokerFolder } from './tables.js';

/** Something to write, together with others in one transaction. */
export interface WriteOperation {
  /** How much it writes, roughly: a transaction is bounded. */
  readonly bytes: number;
  /** May run again after a transaction that failed. Must check before it writes: it cannot be undone by itself. */
  apply(transaction: StoreTransaction): void;
  /** It is on disk. */
  committed(): void;
  /** Nothing of it was written. True: try again later. */
  failed(error: DispatcherError): boolean;
  /** Asked about once a second while the disk or another process holds it up. True: it gave up, drop it. */
  overdue?(now: number): boolean;
}

export interface BatchWriterListener {
  /** These queues got messages. */
  ready(queueIds: ReadonlySet<number>): void;
  trouble(error: DispatcherError | undefined): void;
}

const MOST_OPERATIONS = 4096;
const MOST_BYTES = 32 * 1024 * 1024;
const RETRY_PAUSE_MS = 500;
const OVERDUE_CHECK_MS = 1000;

/** Writes in the order of the calls; what arrives while one transaction is written shares the next. */
export class BatchWriter {
  private waiting: WriteOperation[] = [];
  private writing: readonly WriteOperation[] = [];
  private running: Promise<void> | undefined;
  /** Why the last transaction failed, until one succeeds. */
  private failure: DispatcherError | undefined;
  private cancelPause: (() => void) | undefined;
  private cancelCheck: (() => void) | undefined;
  private stopped = false;

  constructor(
    private readonly folder: Pick<BrokerFolder, 'tables' | 'transaction' | 'typed'>,
    private readonly cache: StateCache,
    private readonly clock: Clock,
    private readonly listener: BatchWriterListener,
  ) {}

  add(operation: WriteOperation): void {
    // Not one more attempt for each call: the next one comes by itself, soon.
    if (this.failure !== undefined && this.cancelPause !== undefined && !operation.failed(this.failure)) return;
    this.waiting.push(operation);
    if (this.running === undefined && this.cancelPause === undefined) this.start();
  }

  /** Finds out by writing whether the folder takes anything. */
  probe(): void {
    if (this.failure === undefined) this.add(new ProbeOperation());
  }

  /** Resolves when all that was added before has had an outcome; in trouble, what is tried again counts as one. */
  async idle(): Promise<void> {
    while (this.running !== undefined) await this.running;
  }

  /** Writes no more once what is under way has ended. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.cancelPause?.();
    await this.running;
    this.cancelCheck?.();
  }

  private start(): void {
    this.cancelCheck ??= this.clock.after(OVERDUE_CHECK_MS, this.checkOverdue);
    this.running = this.run();
  }

  private async run(): Promise<void> {
    // Never done before `start` knows of it.
    await Promise.resolve();
    while (this.waiting.length > 0 && !this.stopped) {
      try {
        await this.write();
      } catch (error) {
        this.afterFailure(this.writing, this.folder.typed(error));
        break;
      }
    }
    // In the same turn as the last look at what waits: what is added from now on starts anew.
    this.running = undefined;
    this.writing = [];
    this.cancelCheck?.();
    this.cancelCheck = undefined;
  }

  private nextBatch(): readonly WriteOperation[] {
    const { waiting } = this;
    let count = 0;
    let bytes = 0;
    for (const operation of waiting) {
      bytes += operation.bytes;
      if (count === MOST_OPERATIONS || (count > 0 && bytes > MOST_BYTES)) break;
      count += 1;
    }
    if (count === waiting.length) {
      this.waiting = [];
      return waiting;
    }
    return waiting.splice(0, count);
  }

  private async write(): Promise<void> {
    const { becameReady, refused } = await this.transact();
    const batch = this.writing;
    this.writing = [];
    if (this.failure !== undefined) {
      this.failure = undefined;
      this.listener.trouble(undefined);
    }
    for (const operation of batch) {
      const error = refused.get(operation);
      if (error === undefined) operation.committed();
      else operation.failed(error);
    }
    if (becameReady.size > 0) this.listener.ready(becameReady);
  }

  private async transact(): Promise<{ becameReady: ReadonlySet<number>; refused: Map<WriteOperation, DispatcherError> }> {
    const refused = new Map<WriteOperation, DispatcherError>();
    /** The disk may be full long before the commit, which then says no more than that it cannot be. */
    let cause: DispatcherError | undefined;
    try {
      return await this.folder.transaction(() => {
        // Only now, with the lock in hand: what came while we waited for it is written with the rest.
        this.writing = this.nextBatch();
        const transaction = new StoreTransaction(this.folder.tables, this.cache);
        for (const operation of this.writing) {
          try {
            operation.apply(transaction);
          } catch (error) {
            const typed = this.folder.typed(error);
            if (typed !== error) cause ??= typed;
            refused.set(operation, typed);
          }
        }
        transaction.finish();
        return { becameReady: transaction.becameReady, refused };
      });
    } catch (error) {
      throw cause ?? error;
    }
  }

  private afterFailure(batch: readonly WriteOperation[], error: DispatcherError): void {
    // Something must be written to learn that the disk takes it again, even when nobody writes.
    const again: WriteOperation[] = [new ProbeOperation()];
    // While the disk refuses, whatever waits is refused with the rest, so that nobody waits in vain.
    for (const operation of [...batch, ...this.waiting]) {
      if (!(operation instanceof ProbeOperation) && operation.failed(error)) again.push(operation);
    }
    this.waiting = again;
    const isNew = this.failure === undefined;
    this.failure = error;
    if (isNew) this.listener.trouble(error);
    if (this.stopped) return;
    this.cancelPause = this.clock.after(RETRY_PAUSE_MS, () => {
      this.cancelPause = undefined;
      this.start();
    });
  }

  private readonly checkOverdue = (): void => {
    const now = this.clock.now();
    // What is under way cannot be dropped any more, only told.
    for (const operation of this.writing) operation.overdue?.(now);
    this.waiting = this.waiting.filter((operation) => operation.overdue?.(now) !== true);
    this.cancelCheck = this.clock.after(OVERDUE_CHECK_MS, this.checkOverdue);
  };
}

const PROBE_KEY = Buffer.from('probe');

/** Writes something of no meaning. */
class ProbeOperation implements WriteOperation {
  readonly bytes = 64;

  apply({ tables }: StoreTransaction): void {
    void tables.meta.put(PROBE_KEY, Buffer.from(process.hrtime.bigint().toString()));
  }

  committed(): void {
    // The writer itself sees that it worked.
  }

  failed(): boolean {
    return true;
  }
}
