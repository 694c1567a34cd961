import { randomUUID } from 'node:crypto';
import { BatchOutcomeError, TaskTimeoutError } from '../../errors.js';
import { display } from '../../task/argument-types.js';
import { isA } from '../../task/error-text.js';
import { makeStopper } from '../../time/stopper.js';
import type { ClockTimer } from '../../time/clock.js';
import type { TaskContext, TaskLogger } from '../task-context.js';
import type { BatchCall } from './batch-call.js';
import type { BatchContext } from './batched-task.js';
import { type BatchedRun, BatchMember, type MemberHost, saidTwice } from './batch-member.js';

/** What a batch needs of those that it is among. */
export interface BatchHost {
  /** Runs it in an async context of its own, in which no single task is the current one. */
  runApart(work: { readonly context: TaskContext | undefined; call(): unknown }): unknown;
  loggerFor(taskName: string, uuid: string): TaskLogger;
  problem(message: string, error: unknown): void;
  /** A member was called off before the call. */
  withdrawn(batch: Batch, member: BatchMember, reason: Error): void;
  memberLeft(): void;
  /** Its slot is free: its handler has ended, or is no longer waited for. Once. */
  over(batch: Batch): void;
}

/** One call of a batch handler: the tasks that wait for it, and what becomes of them. */
export class Batch implements MemberHost {
  readonly id = randomUUID();
  /** Ends the time in which it fills. */
  timer: ClockTimer | undefined;
  private members: BatchMember[] = [];
  /** Of whom something is still to be expected. */
  private awaited = 0;
  private readonly stopper = makeStopper();
  private hasEnded = false;
  private isOver = false;

  constructor(readonly of: BatchCall, readonly key: string | undefined, private readonly host: BatchHost) {}

  get size(): number { return this.members.length; }
  get isFull(): boolean { return this.members.length >= this.of.size; }

  add(run: BatchedRun, args: readonly unknown[]): BatchMember {
    const member = new BatchMember(run, args, this);
    this.members.push(member);
    return member;
  }

  /** Ends all of them unrun. */
  withdrawAll(reason: Error): void {
    for (const member of this.members.splice(0)) member.withdraw(reason);
  }

  remove(member: BatchMember): void {
    this.members = this.members.filter((one) => one !== member);
  }

  abort(reason: Error): void {
    this.stopper.abort(reason);
  }

  /** Calls the handler. Never throws, and never rejects. */
  async call(): Promise<void> {
    const { members } = this;
    this.awaited = members.length;
    for (const member of members) member.call();
    try {
      const tasks = members.map(({ task }) => task);
      const context = this.contextOf(members[0] as BatchMember);
      this.returned(await this.host.runApart({ context: undefined, call: () => this.of.call(tasks, context) }));
    } catch (error) {
      this.failOpen(error);
    } finally {
      this.hasEnded = true;
      this.over();
    }
  }

  isFirst(member: BatchMember): boolean {
    return this.members[0] === member;
  }

  memberAbortedUncalled(member: BatchMember, reason: Error): void {
    if (member.isOpen) this.host.withdrawn(this, member, reason);
  }

  memberDone(_member: BatchMember, reason?: Error): void {
    this.awaited--;
    if (this.awaited > 0 || reason === undefined) return;
    this.abort(reason);
    if (isA(reason, TaskTimeoutError)) this.over();
  }

  memberLeft(): void {
    this.host.memberLeft();
  }

  /** @throws BatchOutcomeError while the handler runs, which is told; later nobody would catch it */
  late(member: BatchMember, said: string): void {
    const error = saidTwice(member, said);
    if (!this.hasEnded) throw error;
    this.host.problem(`An outcome came after the end of a batch of "${this.of.name}" (${this.id}), and is not recorded`, error);
  }

  private returned(value: unknown): void {
    if (value !== undefined) return this.failOpen(this.wrongReturn(value));
    const open = this.members.filter((member) => member.isOpen);
    if (open.length === 0) return;
    const succeeded = this.members.filter(({ outcome }) => outcome === 'succeeded').length;
    if (succeeded === 0) for (const member of open) member.succeed(undefined);
    else for (const member of open) member.fail(this.forgotten(member, succeeded));
  }

  private failOpen(error: unknown): void {
    for (const member of this.members) if (member.isOpen) member.fail(error);
  }

  private over(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.host.over(this);
  }

  private wrongReturn(value: unknown): BatchOutcomeError {
    const { name } = this.of;
    return new BatchOutcomeError(
      `The batch handler of "${name}" returned ${display(value)}; it has to return nothing, since nobody could know which of the ${this.size} tasks that is the outcome of. `
      + 'Say task.succeed(value) and task.fail(error) of each, or await what you call without returning it.', { task: name, batch: this.id });
  }

  private forgotten({ run: { uuid } }: BatchMember, succeeded: number): BatchOutcomeError {
    const { name } = this.of;
    return new BatchOutcomeError(
      `The batch handler of "${name}" returned without a word of task ${uuid}, having said of ${succeeded} of ${this.size} that they succeeded. `
      + 'Say task.succeed() of each that did; or of none, and task.fail(error) of those that failed.', { task: name, uuid, batch: this.id });
  }

  private contextOf({ run: { queue, worker } }: BatchMember): BatchContext {
    const { id, of: { name }, key, size, stopper, host } = this;
    let logger: TaskLogger | undefined;
    return {
      id, name, size, key, queue, worker,
      get signal() { return stopper.signal; },
      get logger() { return (logger ??= host.loggerFor(name, id)); },
    };
  }
}
