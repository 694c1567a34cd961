import { ShutdownError } from '../../errors.js';
import type { EventSink } from '../../events/dispatcher-event.js';
import { clock, type ClockTimer } from '../../time/clock.js';
import type { TaskContext, TaskLogger } from '../task-context.js';
import { Batch, type BatchHost } from './batch.js';
import type { BatchCall } from './batch-call.js';
import type { BatchedRun, BatchMember } from './batch-member.js';
import { BatchRoom } from './batch-room.js';

/** A batch that finds no free slot for so long goes back to its queue: another worker may have one. */
const NO_SLOT_MS = 5_000;

/** What batches need of the session that they are in. */
export interface BatchesHost {
  readonly worker: string;
  readonly limit: number;
  readonly emit: EventSink;
  runApart(work: { readonly context: TaskContext | undefined; call(): unknown }): unknown;
  loggerFor(taskName: string, uuid: string): TaskLogger;
  /** A run waits with others from now on, and its slot is free. */
  parked(): void;
  /** A run that was parked has ended. */
  left(): void;
  /** True: a slot was free, and is taken now. */
  takeSlot(): boolean;
  freeSlot(): void;
  /** Something may be there for the free slots. */
  fill(): void;
  /** So many deliveries may be held for batches. */
  setRoom(count: number): void;
}

/**
 * The batches of one session. A task that waits for others holds no slot; a call of a batch handler holds one. What came
 * back is called alone: should one of those that were together crash its process, it takes no other along again.
 */
export class Batches implements BatchHost {
  private readonly filling = new Map<BatchCall, Map<string | undefined, Batch>>();
  /** They find no free slot. */
  private readonly ready = new Map<Batch, ClockTimer>();
  private readonly called = new Set<Batch>();
  private readonly room = new BatchRoom();
  private held = 0;
  private filled = 0;
  private closedBy: Error | undefined;

  constructor(private readonly host: BatchesHost) {}

  /** How many tasks wait here for their call. */
  get waiting(): number { return this.filled; }

  /** How many tasks are here, called or not, and not settled. */
  get size(): number { return this.held; }

  /**
   * Resolves or rejects as the handler says of this task.
   *
   * @throws what asking for its key throws
   */
  join(call: BatchCall, args: readonly unknown[], run: BatchedRun): Promise<unknown> {
    const key = call.keyOf(args);
    if (run.seat === undefined) this.park();
    const isAlone = run.redelivered || call.size === 1;
    const batch = isAlone ? new Batch(call, key, this) : this.fillingOf(call, key);
    const member = batch.add(run, args);
    run.seat = member;
    this.filled++;
    const reason = this.closedBy ?? run.abortReason;
    if (reason !== undefined) this.withdrawn(batch, member, reason);
    else if (isAlone || batch.isFull) this.close(batch);
    else batch.timer ??= this.timerOf(batch);
    if (this.room.need(this.held, call.size, this.host.limit)) this.host.setRoom(this.room.current);
    this.host.fill();
    return member.ended;
  }

  /** True: one that waited for a slot was called. */
  callNext(): boolean {
    const [next] = this.ready.keys();
    if (next === undefined || !this.host.takeSlot()) return false;
    clock.clear(this.ready.get(next));
    this.ready.delete(next);
    this.filled -= next.size;
    this.called.add(next);
    void next.call();
    return true;
  }

  /** What is not called yet goes back to its queue, uncharged. */
  giveBack(why: string): void {
    const reason = new ShutdownError(why);
    const uncalled = [...this.ready.keys(), ...[...this.filling.values()].flatMap((byKey) => [...byKey.values()])];
    for (const batch of uncalled) this.withdrawAll(batch, reason);
  }

  /** The same, also for what comes from now on. */
  end(why: string): void {
    this.closedBy = new ShutdownError(why);
    this.giveBack(why);
  }

  /** Their handlers are to stop. Their tasks are told by themselves. */
  abort(reason: Error): void {
    for (const batch of this.called) batch.abort(reason);
  }

  /** What waits in the line is for others. */
  share(): void {
    if (this.room.shrink(this.held)) this.host.setRoom(this.room.current);
  }

  runApart(work: { readonly context: TaskContext | undefined; call(): unknown }): unknown {
    return this.host.runApart(work);
  }

  loggerFor(taskName: string, uuid: string): TaskLogger {
    return this.host.loggerFor(taskName, uuid);
  }

  problem(message: string, error: unknown): void {
    this.host.emit({ type: 'worker.problem', worker: this.host.worker, message, error });
  }

  withdrawn(batch: Batch, member: BatchMember, reason: Error): void {
    batch.remove(member);
    this.filled--;
    if (batch.size === 0) this.forget(batch);
    member.withdraw(reason);
  }

  memberLeft(): void {
    this.held--;
    this.host.left();
  }

  over(batch: Batch): void {
    this.called.delete(batch);
    this.host.freeSlot();
  }

  private park(): void {
    this.held++;
    this.host.parked();
  }

  private fillingOf(call: BatchCall, key: string | undefined): Batch {
    let byKey = this.filling.get(call);
    if (byKey === undefined) this.filling.set(call, byKey = new Map<string | undefined, Batch>());
    let batch = byKey.get(key);
    if (batch === undefined) byKey.set(key, batch = new Batch(call, key, this));
    return batch;
  }

  /** An answer that is waited for: more tasks. Who holds the time knows that none will come. */
  private timerOf(batch: Batch): ClockTimer {
    return clock.setAnswerTimeout(() => {
      this.close(batch);
      this.host.fill();
    }, batch.of.waitMs);
  }

  /** Nobody joins it any more; it is called when a slot is free. */
  private close(batch: Batch): void {
    this.forget(batch);
    this.ready.set(batch, clock.setTimeout(() => this.withdrawAll(batch, new ShutdownError(`No slot of the worker was free for ${NO_SLOT_MS / 1000} s.`)), NO_SLOT_MS));
  }

  private withdrawAll(batch: Batch, reason: Error): void {
    this.forget(batch);
    this.filled -= batch.size;
    batch.withdrawAll(reason);
  }

  private forget(batch: Batch): void {
    clock.clear(batch.timer);
    clock.clear(this.ready.get(batch));
    this.ready.delete(batch);
    const byKey = this.filling.get(batch.of);
    if (byKey?.get(batch.key) !== batch) return;
    byKey.delete(batch.key);
    if (byKey.size === 0) this.filling.delete(batch.of);
  }
}
