import type { Delivery } from '../brokers/broker.js';
import { DispatcherError, UnknownTaskError, UnsupportedTaskError, UnsupportedVersionError } from '../errors.js';
import type { DeadReason, TaskIdentity } from '../events/dispatcher-event.js';
import { instantText, messageOf } from '../task/error-text.js';
import { display } from '../task/argument-types.js';
import { attemptIn, countHeader, Header, versionIn } from '../task/headers.js';
import type { Task, TaskHeaders } from '../task/task.js';
import { clock } from '../time/clock.js';
import { reasonOf } from './dead-letter.js';
import { cancelledError } from './cancelled-error.js';
import type { EndingParts } from './ending-parts.js';
import type { TaskEnd } from './gates/task-gate.js';
import { unrunVisit } from './gates/unrun-visit.js';
import { passPauseMs, returnPauseMs } from './return-pause.js';
import type { Handler } from './handler.js';
import { takenName, versionsTaken } from './versions.js';
import { unwritableError } from './unwritable-error.js';

const DEFAULT_GRACE_SECONDS = 60;
const FIRST_PUT_OFF_MS = 1_000;
const LONGEST_PUT_OFF_MS = 30_000;
/** Its time is looked at again then. */
const LONGEST_DELAY_MS = 30 * 86_400_000;

/**
 * The ways in which a delivery can end here that is not run. As in {@link TaskEndings}, each is recorded where it has to
 * be, and only then acknowledged.
 */
export class UnrunEndings {
  constructor(private readonly parts: EndingParts) {}

  /** A dead letter of a delivery that could not run. */
  async bury(delivery: Delivery, task: { uuid: string; name: string }, reason: DeadReason, error: unknown): Promise<void> {
    const certificate = { reason, error, attempt: attemptIn(delivery.properties.headers), worker: this.parts.config.name, at: clock.date() };
    if (!await this.parts.settler.deadLetter(delivery, certificate)) return;
    if (await this.leave(delivery, task, { kind: 'failed', reason, error }, error) === false) return;
    delivery.ack();
    const identity = this.identity(delivery, task);
    this.parts.dependencies.observer?.endedUnrun(identity, 'failed', reason, error);
    this.parts.dependencies.emit({ type: 'task.dead-lettered', task: identity, reason, error });
  }

  /** Too late to run. It is reported and gone: no dead letter, because its sender has said that it is of no use any more. */
  expire(delivery: Delivery, task: Task, expiresAt: number): Promise<void> | undefined {
    const expired = (): void => {
      if (!delivery.ack()) return;
      this.parts.dependencies.release?.(delivery);
      const identity = this.identity(delivery, task);
      this.parts.dependencies.observer?.endedUnrun(identity, 'expired');
      this.parts.dependencies.emit({ type: 'task.expired', task: identity, expiresAt });
    };
    const leaving = this.leave(delivery, task, { kind: 'expired' }, expiredError(task, expiresAt));
    if (leaving !== undefined) return leaving.then((left) => { if (left) expired(); });
    expired();
    return undefined;
  }

  /** Called off: nobody need look for a worker that knows it. */
  async cancel(delivery: Delivery, task: Task, reason: string): Promise<void> {
    if (await this.leave(delivery, task, { kind: 'cancelled', reason }, cancelledError(task, reason)) === false) return;
    if (delivery.ack()) this.parts.dependencies.release?.(delivery);
    const identity = this.identity(delivery, task);
    this.parts.dependencies.observer?.endedUnrun(identity, 'cancelled', reason);
    this.parts.dependencies.emit({ type: 'task.cancelled', task: identity, reason });
  }

  /** Tasks of this name are paused: it waits out of sight, uncharged, for a time that grows to 30 s, however often. */
  async giveBackPaused(delivery: Delivery, task: Task): Promise<void> {
    await this.postpone(delivery, task, `Tasks named "${task.name}" are paused.`);
  }

  /** It came before its time, as from senders who leave it to workers to wait: it waits where all that is delayed does. */
  async putOff(delivery: Delivery, task: Task, notBefore: number): Promise<void> {
    const pauseMs = Math.min(notBefore - clock.now(), LONGEST_DELAY_MS);
    if (!await this.sentAgain(delivery, task, {}, pauseMs)) return;
    delivery.ack();
    this.parts.dependencies.emit({ type: 'task.returned', task: this.identity(delivery, task), pauseMs, reason: `It is not to run before ${instantText(notBefore)}.` });
  }

  /** No handler of this name and version is here, or none that can do what it asks for. Another worker of the queue may have one: a Go service, or a newer version of ours. */
  async giveBackUnknown(delivery: Delivery, task: Task): Promise<void> {
    const { headers } = delivery.properties;
    const graceSeconds = this.parts.config.unknownTaskGraceSeconds ?? DEFAULT_GRACE_SECONDS;
    const { unsupported } = task.arrived ?? {};
    const taker = graceSeconds > 0 && unsupported === undefined ? await this.parts.dependencies.whoTakes?.(this.parts.config.queue, takenName(task.name, versionIn(headers))) ?? 'nobody' : 'nobody';
    const returns = countHeader(headers, Header.returns, 0);
    const passes = countHeader(headers, Header.passes, 0);
    const pauseMs = taker === 'nobody' ? returnPauseMs(returns, graceSeconds, clock.random()) : passPauseMs(passes, clock.random());
    if (pauseMs === undefined) {
      if (unsupported !== undefined) return this.bury(delivery, task, 'unsupported', unsupportedTask(task, unsupported, graceSeconds));
      const known = this.parts.dependencies.handlers.get(task.name);
      if (known === undefined) return this.bury(delivery, task, 'unknown-task', this.unknownTask(task.name, delivery.queue, graceSeconds));
      return this.bury(delivery, task, 'unsupported-version', this.unsupportedVersion(known, delivery, graceSeconds));
    }
    // The grace begins when the last one who takes it has gone.
    const count = taker === 'nobody' ? { [Header.returns]: returns + 1 } : { [Header.passes]: passes + 1, ...(taker === 'somebody' ? { [Header.returns]: 0 } : {}) };
    if (!await this.sentAgain(delivery, task, count, pauseMs)) return;
    delivery.ack();
    this.parts.dependencies.emit({ type: 'task.returned', task: this.identity(delivery, task), pauseMs });
  }

  /** It is encrypted or signed with a key that is not here. Another worker of the queue may have it, or this one when it is deployed anew. */
  async giveBackUnreadable(delivery: Delivery, task: Pick<Task, 'uuid' | 'name'>, error: unknown): Promise<void> {
    const returns = countHeader(delivery.properties.headers, Header.returns, 0);
    const pauseMs = returnPauseMs(returns, this.parts.config.unknownTaskGraceSeconds ?? DEFAULT_GRACE_SECONDS, clock.random());
    if (pauseMs === undefined) return this.bury(delivery, task, reasonOf(error), error);
    if (!await this.sentAgain(delivery, task, { [Header.returns]: returns + 1 }, pauseMs)) return;
    delivery.ack();
    this.parts.dependencies.emit({ type: 'task.returned', task: this.identity(delivery, task), pauseMs, reason: messageOf(error) });
  }

  /** Its body is in a store that cannot be reached: it waits out of sight, uncharged, for a time that grows to 30 s, however often. */
  async giveBackUnfetched(delivery: Delivery, task: Pick<Task, 'uuid' | 'name'>, error: unknown): Promise<void> {
    await this.postpone(delivery, task, `The claim store cannot be reached: ${messageOf(error)}`);
  }

  private async postpone(delivery: Delivery, task: Pick<Task, 'uuid' | 'name'>, reason: string): Promise<void> {
    const pauses = countHeader(delivery.properties.headers, Header.pauses, 0);
    const pauseMs = Math.min(FIRST_PUT_OFF_MS * 2 ** Math.min(pauses, 10), LONGEST_PUT_OFF_MS);
    if (!await this.sentAgain(delivery, task, { [Header.pauses]: pauses + 1 }, pauseMs)) return;
    delivery.ack();
    this.parts.dependencies.emit({ type: 'task.returned', task: this.identity(delivery, task), pauseMs, reason });
  }

  /** The same again, behind the others of its queue, which counts from zero for it. */
  async renew(delivery: Delivery): Promise<void> {
    if (await this.parts.settler.sendAgain(delivery, {}, 0)) delivery.ack();
  }

  /** `undefined`: nobody asked for its result, and no gate has to do with it. */
  private leave(
    delivery: Delivery, task: { uuid: string; name: string }, end: Extract<TaskEnd, { kind: 'failed' | 'cancelled' | 'expired' }>, error: unknown,
  ): Promise<boolean> | undefined {
    const { config, dependencies, keeper, gates } = this.parts;
    if (gates === undefined && keeper === undefined) return undefined;
    const visit = unrunVisit(delivery, task, config.name, dependencies.handlers.get(task.name));
    const keeping = keeper?.endedUnrun(visit, end.kind, error);
    if (gates?.concern(visit) !== true) return keeping;
    return keeping === undefined ? gates.leave(visit, end) : keeping.then((kept) => kept && gates.leave(visit, end));
  }

  /** False where nothing is left to do: the worker was stopped; or the task can never be written again, and is a dead letter. */
  private async sentAgain(delivery: Delivery, task: Pick<Task, 'uuid' | 'name'>, changes: TaskHeaders, delayMs: number): Promise<boolean> {
    try {
      return await this.parts.settler.sendAgain(delivery, changes, delayMs);
    } catch (error) {
      await this.bury(delivery, task, 'failed', unwritableError(task, error));
      return false;
    }
  }

  private identity(delivery: Delivery, { uuid, name }: { uuid: string; name: string }): TaskIdentity {
    return { uuid, name, attempt: attemptIn(delivery.properties.headers), queue: delivery.queue, worker: this.parts.config.name };
  }

  private unsupportedVersion(known: Handler, { queue, properties: { headers } }: Delivery, graceSeconds: number): UnsupportedVersionError {
    const { name } = known;
    const [version, taken] = [versionIn(headers), versionsTaken(known)];
    const found = version === 0 ? `with ${display(headers?.[Header.version])} in the header ${Header.version}, which is no version,` : `of version ${version}`;
    return new UnsupportedVersionError(
      `No worker of the queue "${queue}" took the task "${name}" ${found} within ${graceSeconds} s (unknownTaskGraceSeconds). Worker "${this.parts.config.name}" takes its version ${taken.join(', ')}. `
      + `Deploy a worker with @Task('${name}', { version: ${version} }), or one that upgrades from it, and replay the task.`, { task: name, version, taken });
  }

  private unknownTask(name: string, queue: string, graceSeconds: number): UnknownTaskError {
    const known = [...this.parts.dependencies.handlers.keys()];
    return new UnknownTaskError(
      `No worker of the queue "${queue}" took the task "${name}" within ${graceSeconds} s (unknownTaskGraceSeconds). `
      + `Worker "${this.parts.config.name}" knows: ${known.slice(0, 20).join(', ') || 'no task'}. `
      + `Deploy a worker with @Task('${name}'), or correct the name.`, { task: name, known });
  }
}

function expiredError({ name, uuid }: Task, expiresAt: number): DispatcherError {
  return new DispatcherError('ERR_DISPATCHER_EXPIRED',
    `Task "${name}" (${uuid}) was not run: it expired at ${instantText(expiresAt)} (expiresInSeconds).`, { task: name, uuid, expiresAt });
}

function unsupportedTask({ name, uuid }: Task, unsupported: string, graceSeconds: number): UnsupportedTaskError {
  return new UnsupportedTaskError(`Task "${name}" (${uuid}) was not run: ${unsupported} No other worker of its queue took it within ${graceSeconds} s (unknownTaskGraceSeconds).`, { task: name, uuid });
}
