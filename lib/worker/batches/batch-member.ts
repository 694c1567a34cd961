import { BatchOutcomeError } from '../../errors.js';
import type { TaskContext } from '../task-context.js';
import type { BatchedTask } from './batched-task.js';

/** The side of a run that its batch knows. */
export interface BatchedRun {
  readonly uuid: string;
  readonly name: string;
  readonly queue: string;
  readonly worker: string;
  readonly redelivered: boolean;
  readonly context: TaskContext;
  /** Why it is to stop; `undefined`: it is not. */
  readonly abortReason: Error | undefined;
  /** Its place among others; a handler that is called again takes another one. */
  seat: BatchSeat | undefined;
  /** Its work begins: its time counts from now on. */
  readonly started?: (() => void) | undefined;
  /** Ends it unrun: it goes back to its queue, or has been cancelled, whatever the code around its handler makes of that. */
  withdraw(reason: Error): void;
}

/** What a run tells of itself to whoever it waits with. */
export interface BatchSeat {
  /** Of the call; and how many are in it. */
  readonly batchId: string;
  readonly batchSize: number;
  /** Of those that one call makes wait it is the one to be named. */
  readonly isFirst: boolean;
  /** It is to stop. */
  aborted(reason: Error): void;
  /** Its delivery is settled, and it holds nothing any more. */
  left(): void;
}

/** What a member tells its batch. */
export interface MemberHost {
  readonly id: string;
  readonly size: number;
  isFirst(member: BatchMember): boolean;
  /** Nothing more is to be expected of it: an outcome was given, or it is to stop. Once for each. */
  memberDone(member: BatchMember, reason?: Error): void;
  memberAbortedUncalled(member: BatchMember, reason: Error): void;
  memberLeft(): void;
  /** Something was said of it after the end of the call, or otherwise than before. */
  late(member: BatchMember, said: string): void;
}

/** One task of a batch: what waits for its outcome, and what the handler says of it. */
export class BatchMember implements BatchSeat {
  /** `undefined`: none yet. */
  outcome: 'succeeded' | 'failed' | undefined;
  readonly ended: Promise<unknown>;
  readonly task: BatchedTask;
  isCalled = false;
  private isDone = false;
  private resolve!: (value: unknown) => void;
  private reject!: (error: unknown) => void;

  constructor(readonly run: BatchedRun, readonly args: readonly unknown[], private readonly host: MemberHost) {
    this.ended = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    this.task = new OneOfMany(this);
  }

  get batchId(): string { return this.host.id; }
  get batchSize(): number { return this.host.size; }
  get isFirst(): boolean { return this.host.isFirst(this); }
  get isOpen(): boolean { return this.outcome === undefined; }

  call(): void {
    this.isCalled = true;
    this.run.started?.();
  }

  aborted(reason: Error): void {
    if (!this.isCalled) this.host.memberAbortedUncalled(this, reason);
    else this.done(reason);
  }

  left(): void {
    this.host.memberLeft();
  }

  /** It never comes to be called: what is around its handler learns why, and changes nothing any more. */
  withdraw(reason: Error): void {
    this.outcome = 'failed';
    this.run.withdraw(reason);
    this.reject(reason);
  }

  succeed(value: unknown): void {
    this.outcome = 'succeeded';
    this.resolve(value);
    this.done();
  }

  fail(error: unknown): void {
    this.outcome = 'failed';
    this.reject(error);
    this.done();
  }

  /** By the handler. @throws BatchOutcomeError */
  say(outcome: 'succeeded' | 'failed', value: unknown): void {
    if (this.outcome === undefined) return outcome === 'succeeded' ? this.succeed(value) : this.fail(value);
    this.host.late(this, outcome);
  }

  private done(reason?: Error): void {
    if (this.isDone) return;
    this.isDone = true;
    this.host.memberDone(this, reason);
  }
}

/** What a handler gets of it: its public side and nothing else. */
class OneOfMany implements BatchedTask {
  readonly #member: BatchMember;

  constructor(member: BatchMember) {
    this.#member = member;
  }

  get uuid(): string { return this.#member.run.uuid; }
  get args(): readonly unknown[] { return this.#member.args; }
  get context(): TaskContext { return this.#member.run.context; }
  get outcome(): 'succeeded' | 'failed' | undefined { return this.#member.outcome; }

  succeed(result?: unknown): void {
    this.#member.say('succeeded', result);
  }

  fail(error: unknown): void {
    this.#member.say('failed', error);
  }
}

/** Where a task has an outcome, and another is given. */
export function saidTwice({ run: { name, uuid }, outcome }: BatchMember, said: string): BatchOutcomeError {
  return new BatchOutcomeError(`The batch handler of "${name}" says that task ${uuid} has ${said}; it has said before that it has ${String(outcome)}, and that counts. Say one of them, once.`, { task: name, uuid, outcome, said });
}
