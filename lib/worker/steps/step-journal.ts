import type { Message } from '../../brokers/broker.js';
import { SignalTimeoutError, StepError, StepVersionError, TaskSuspendedError } from '../../errors.js';
import { decodeValue, encodeValue } from '../../results/result-value.js';
import { instantText, isA } from '../../task/error-text.js';
import { retryDelayMs } from '../../task/retry-policy.js';
import type { TaskHeaders } from '../../task/task.js';
import { GiveUp, RetryLater, SucceedEarly } from '../../task/verdicts.js';
import { clock } from '../../time/clock.js';
import { pauseUntil } from '../../time/pause-until.js';
import type { Entrance, StepsOfRun, TaskEnd } from '../gates/task-gate.js';
import { type Refusal, RunRecord, type SteppedRun, type StepsHost, type Waiting } from './run-record.js';
import { checkStepName, checkStepOptions, checkWait, type SleepTime, type StepOptions, wakeTime, type WaitOptions } from './step-options.js';
import type { StepEntry } from './steps-record.js';

/** How a run ends that is not to go on, whatever its handler does from then on. */
export type StepsVerdict = Refusal | { readonly kind: 'suspend' };

type Kind = StepEntry['kind'];
type EntryOf<Of extends Kind> = Extract<StepEntry, { kind: Of }>;

/** The steps of one run, as its handler takes them. */
export class StepJournal implements StepsOfRun {
  private readonly record: RunRecord;
  private readonly used = new Map<string, Kind>();
  private readonly waits: StepEntry[] = [];
  private decided: StepsVerdict | undefined;
  private isOver = false;
  private pending = 0;
  private onSettled: (() => void)[] = [];

  constructor(private readonly run: SteppedRun, host: StepsHost) {
    this.record = new RunRecord(run, host);
  }

  get verdict(): StepsVerdict | undefined { return this.decided; }

  /** A step is under way: its result is to be recorded before the run ends. */
  get isBusy(): boolean { return this.pending > 0; }

  get isHeld(): boolean { return this.record.isHeld; }

  /** Resolves when none is under way any more. */
  settled(): Promise<void> {
    return this.pending === 0 ? Promise.resolve() : new Promise((resolve) => { this.onSettled.push(resolve); });
  }

  enter(): Promise<Entrance> {
    return this.record.enter();
  }

  async leave(end: TaskEnd): Promise<void> {
    this.isOver = true;
    await this.record.leave(end);
  }

  park(messageWith: (headers: TaskHeaders) => Message): Promise<Waiting | undefined> {
    this.isOver = true;
    return this.record.park(this.waits, messageWith);
  }

  async step<Value>(name: string, work: () => Value | Promise<Value>, options?: StepOptions): Promise<Value> {
    checkStepName(name, 'step');
    if (typeof work !== 'function') throw new StepError(`step("${name}") takes a function as its second argument, which does the work.`, { name });
    const checked = checkStepOptions(options, name);
    return this.busy(async () => {
      const known = await this.entry(name, 'step');
      if (known !== undefined && isOfVersion(known, checked)) return recalled(known) as Value;
      this.mayBegin(name);
      this.going(await this.record.isStillOwn());
      return await this.take(name, work, checked) as Value;
    });
  }

  async sleep(name: string, time: SleepTime): Promise<void> {
    checkStepName(name, 'sleep');
    const asked = wakeTime(time, name, clock.now());
    await this.busy(async () => {
      const known = await this.entry(name, 'sleep');
      const until = known?.until ?? asked;
      if (until > clock.now()) this.wait(known ?? { kind: 'sleep', name, at: clock.now(), until });
    });
  }

  async waitFor<Value>(name: string, options?: WaitOptions<Value>): Promise<Value> {
    checkStepName(name, 'waitFor');
    const { timeoutMs, fallback } = checkWait(options, name);
    return this.busy(async () => {
      const known = await this.entry(name, 'wait');
      const until = known?.until ?? clock.now() + timeoutMs;
      if (known?.timedOut !== true && !this.record.record.signals.has(name)) {
        const wait: EntryOf<'wait'> = known ?? { kind: 'wait', name, at: clock.now(), until };
        if (until > clock.now()) this.wait(wait);
        this.going(await this.record.add({ ...wait, timedOut: true }));
      }
      const signal = this.record.record.signals.get(name);
      if (signal !== undefined) return decodeValue(signal.value) as Value;
      if (fallback !== undefined) return fallback.value as Value;
      throw new SignalTimeoutError(`Task "${this.run.name}" (${this.run.uuid}) waited for the signal "${name}" until ${instantText(until)}, and it has not come.`, { task: this.run.name, uuid: this.run.uuid, signal: name, until });
    });
  }

  private async busy<Done>(work: () => Promise<Done>): Promise<Done> {
    this.pending++;
    try {
      return await work();
    } finally {
      this.pending--;
      if (this.pending === 0) for (const settled of this.onSettled.splice(0)) settled();
    }
  }

  /** What is recorded under this name, once the record is this run's. */
  private async entry<Of extends Kind>(name: string, kind: Of): Promise<EntryOf<Of> | undefined> {
    this.use(name, kind);
    if (this.run.handler.batch !== undefined) throw new StepError(`Task "${this.run.name}" (${this.run.uuid}) has no steps: its handler takes many tasks at once (batch), and "${name}" would be of one. Publish a task of its own for what has steps.`, { name });
    if (this.run.handler.inbox === true) throw new StepError(`Task "${this.run.name}" has inbox: true, and step "${name}" would be recorded outside of its transaction. Take one of the two.`, { name });
    const refusal = await this.record.open();
    if (refusal !== undefined) this.leaveBy(refusal);
    const known = this.record.record.entries.get(name);
    if (known === undefined || known.kind === kind) return known as EntryOf<Of> | undefined;
    throw new StepError(`"${name}" was recorded as a ${known.kind}, and is a ${kind} now. What the task has done by then was done by other code: give the new one another name.`, { name, recorded: known.kind, found: kind });
  }

  private use(name: string, kind: Kind): void {
    const before = this.used.get(name);
    if (before !== undefined) {
      throw new StepError(`"${name}" is the name of two steps of task "${this.run.name}". Each has a name of its own, by which it is known again: in a loop, one with its number, such as \`mail-\${index}\`.`, { name });
    }
    this.used.set(name, kind);
  }

  private mayBegin(name: string): void {
    if (this.decided !== undefined) throw this.left();
    this.run.signal.throwIfAborted();
    if (this.isOver) throw new StepError(`Step "${name}" is not begun: this run of task "${this.run.name}" has ended.`, { name });
  }

  private async take(name: string, work: () => unknown, options: StepOptions): Promise<unknown> {
    const began = clock.elapsed();
    const value = await this.tried(work, options);
    const encoded = encodeValue(value);
    const about = { kind: 'step' as const, name, at: clock.now(), attempt: this.run.attempt, durationMs: Math.round(clock.elapsed() - began), ...(options.version === undefined ? {} : { version: options.version }) };
    const entry: EntryOf<'step'> = 'problem' in encoded ? { ...about, problem: encoded.problem } : { ...about, value: encoded.text };
    this.going(await this.added(entry));
    return recalled(entry);
  }

  /** What has been done must not be done again because its result is too large. */
  private async added(entry: EntryOf<'step'>): Promise<boolean> {
    try {
      return await this.record.add(entry);
    } catch (error) {
      if (!isA(error, StepError) || entry.value === undefined) throw error;
      const { value: _value, ...without } = entry;
      await this.record.add({ ...without, problem: error.message });
      throw error;
    }
  }

  private async tried(work: () => unknown, { retry }: StepOptions): Promise<unknown> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await work();
      } catch (thrown) {
        const delayMs = retry === undefined || isVerdict(thrown) || this.run.isAborted ? undefined : retryDelayMs(retry, attempt, thrown, clock.random(), ignored);
        if (delayMs === undefined) throw thrown;
        await pauseUntil(delayMs, this.run.signal);
        this.run.signal.throwIfAborted();
      }
    }
  }

  private wait(entry: StepEntry): never {
    this.waits.push(entry);
    return this.leaveBy({ kind: 'suspend' });
  }

  /** Another run has the task: this one leaves it alone. */
  private going(isRecorded: boolean): void {
    if (!isRecorded) this.leaveBy({ kind: 'drop', reason: 'Another run of it has its steps.' });
  }

  private leaveBy(verdict: StepsVerdict): never {
    // Who has lost the task cannot have it wait.
    if (this.decided === undefined || verdict.kind !== 'suspend') this.decided = verdict;
    throw this.left();
  }

  private left(): TaskSuspendedError {
    const { name, uuid } = this.run;
    const why = this.decided === undefined || this.decided.kind === 'suspend' ? 'it waits, and goes on by itself' : 'reason' in this.decided ? this.decided.reason : '';
    return new TaskSuspendedError(`Task "${name}" (${uuid}) leaves its handler: ${why}`, { task: name, uuid });
  }
}

function isOfVersion(entry: EntryOf<'step'>, { version, otherVersion = 'refuse' }: StepOptions): boolean {
  if (version === undefined || version === (entry.version ?? 1)) return true;
  if (otherVersion === 'again') return false;
  throw new StepVersionError(
    `Step "${entry.name}" was done by its version ${entry.version ?? 1}, and is of version ${version} now. Have it done again ({ otherVersion: 'again' }), or give the new one another name and keep the old one for tasks that have begun.`,
    { name: entry.name, recorded: entry.version ?? 1, version });
}

function recalled({ name, value, problem }: EntryOf<'step'>): unknown {
  if (value !== undefined) return decodeValue(value);
  throw new StepError(`Step "${name}" was done, and its result cannot be kept: ${problem ?? 'it is missing'}. It is not done again.`, { name });
}

function isVerdict(thrown: unknown): boolean {
  return isA(thrown, TaskSuspendedError) || isA(thrown, GiveUp) || isA(thrown, RetryLater) || isA(thrown, SucceedEarly);
}

function ignored(): void {
  // What is wrong with a policy is told where the attempt fails.
}
