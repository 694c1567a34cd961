import type { Delivery } from '../brokers/broker.js';
import { BodyKeyError, ClaimMissingError, InvalidBodyError, InvalidTaskError, TaskTooLargeError } from '../errors.js';
import { errorText, isA } from '../task/error-text.js';
import { Header, versionIn } from '../task/headers.js';
import { placedByName } from '../task/named-arguments.js';
import type { ArrivedAs, Task } from '../task/task.js';
import { clock } from '../time/clock.js';
import { afterRecording } from './after-recording.js';
import { reasonOf } from './dead-letter.js';
import type { Handler } from './handler.js';
import { RunningTask } from './running-task.js';
import type { TaskEndings } from './task-endings.js';
import type { TaskRunner } from './task-runner.js';
import type { UnrunEndings } from './unrun-endings.js';
import { handlerOfVersion, upgradedArguments, versionOf } from './versions.js';
import type { WorkerDependencies } from './worker.js';

/**
 * Says of each delivery whether it is to run here, and has it run or ends it. `onEnd` is called once for each that it
 * ends, when its slot is free again.
 */
export class Admission {
  constructor(
    private readonly dependencies: WorkerDependencies,
    private readonly runner: TaskRunner,
    private readonly endings: TaskEndings,
    private readonly unrun: UnrunEndings,
    private readonly onEnd: () => void,
    /** The worker has given up what it had. */
    private readonly isStopped: () => boolean = () => false,
  ) {}

  /** Never throws: whoever calls it counts on `onEnd`, or on the run that was started. */
  take(delivery: Delivery): void {
    const fetching = this.dependencies.fetch?.(delivery);
    if (fetching === undefined) return this.takeNow(delivery);
    fetching.then(() => this.goOn(delivery), (error: unknown) => this.unfetched(delivery, error));
  }

  private goOn(delivery: Delivery): void {
    // Its delivery has gone back meanwhile, and runs elsewhere.
    if (this.isStopped()) this.onEnd();
    else this.takeNow(delivery);
  }

  /** What is wrong stays wrong; what could not be asked is asked again later, uncharged. */
  private unfetched(delivery: Delivery, error: unknown): void {
    const known = { uuid: delivery.properties.messageId ?? '', name: nameBeside(delivery) };
    const isWrong = isA(error, InvalidBodyError) || isA(error, InvalidTaskError);
    this.end(delivery, isWrong ? this.unrun.bury(delivery, known, reasonOf(error), error) : this.unrun.giveBackUnfetched(delivery, known, error));
  }

  private takeNow(delivery: Delivery): void {
    try {
      this.admit(delivery);
    } catch (defect) {
      this.end(delivery, Promise.reject(defect instanceof Error ? defect : new Error(errorText(defect))));
    }
  }

  private admit(delivery: Delivery): void {
    let task: Task;
    try {
      task = this.decode(delivery);
    } catch (error) {
      const known = { uuid: delivery.properties.messageId ?? '', name: nameBeside(delivery) };
      return this.end(delivery, isA(error, BodyKeyError) || isA(error, ClaimMissingError) ? this.unrun.giveBackUnreadable(delivery, known, error) : this.unrun.bury(delivery, known, reasonOf(error), error));
    }
    this.dependencies.observer?.received();
    const expiresAt = expiryOf(task);
    if (task.arrived !== undefined && expiresAt === undefined && isTooEarly(task.arrived)) return this.end(delivery, this.unrun.putOff(delivery, task, task.arrived.notBefore));
    const handler = this.handlerOf(delivery, task);
    if (handler === undefined) return this.refuse(delivery, task, expiresAt);
    if (task.hasKwargs === true && handler.kwargs !== undefined && !this.placeByName(delivery, task, handler.kwargs)) return;
    const run = new RunningTask(this.runner, delivery, task, handler);
    if (run.redelivered && this.isKnown(run)) return;
    if (expiresAt !== undefined) return this.expire(delivery, task, expiresAt);
    if (this.isPaused(task)) return this.end(delivery, this.unrun.giveBackPaused(delivery, task));
    const version = versionIn(task.headers);
    if (versionOf(handler) === version || this.isUpgraded(run, version)) this.runner.start(run);
  }

  /** False: it has ended, for its arguments are none that the handler takes. */
  private isUpgraded(run: RunningTask, from: number): boolean {
    try {
      run.withArguments(upgradedArguments(run.handler, from, run.args));
      return true;
    } catch (error) {
      this.end(run.delivery, this.unrun.bury(run.delivery, run.task, 'invalid-arguments', error));
      return false;
    }
  }

  /** It may be given up by its queue before it is run: another takes its place. */
  renew(delivery: Delivery): void {
    this.end(delivery, this.unrun.renew(delivery));
  }

  /** What asks for what cannot be done here is like a name that is unknown here. */
  private handlerOf({ properties: { headers } }: Delivery, { name, arrived }: Task): Handler | undefined {
    if (arrived?.unsupported !== undefined) return undefined;
    const { handlers, lateHandler } = this.dependencies;
    const version = versionIn(headers);
    return handlerOfVersion(handlers.get(name), version) ?? handlerOfVersion(lateHandler?.(name), version);
  }

  private placeByName(delivery: Delivery, task: Task, names: readonly string[]): boolean {
    try {
      task.args = placedByName(task, names);
      return true;
    } catch (error) {
      this.end(delivery, this.unrun.bury(delivery, task, reasonOf(error), error));
      return false;
    }
  }

  /** There is no handler of this name and version here: neither limits nor gates are asked, for it must not seem to have been started. */
  private refuse(delivery: Delivery, task: Task, expiresAt: number | undefined): void {
    if (expiresAt !== undefined) return this.expire(delivery, task, expiresAt);
    this.runner.controls.share();
    if (this.isPaused(task)) return this.end(delivery, this.unrun.giveBackPaused(delivery, task));
    const cancelled = this.dependencies.cancelReasonOf?.({ uuid: task.uuid, headers: task.headers ?? {} });
    this.end(delivery, cancelled === undefined ? this.unrun.giveBackUnknown(delivery, task) : this.unrun.cancel(delivery, task, cancelled));
  }

  private decode(delivery: Delivery): Task {
    const { maxTaskBytes, format } = this.dependencies;
    const bytes = delivery.body.length;
    if (bytes > maxTaskBytes) {
      throw new TaskTooLargeError(`The body has ${bytes} bytes; at most ${maxTaskBytes} are taken (maxTaskBytes).`, { bytes, maxTaskBytes });
    }
    return format.decode(delivery);
  }

  private isPaused({ name }: Task): boolean {
    return this.dependencies.isTaskPaused?.(name) === true;
  }

  /** A delivery that came back: this very attempt has ended here before, or still runs here; or it is looked at again once that has ended. */
  private isKnown(run: RunningTask): boolean {
    const known = this.endings.acknowledgeIfFinished(run) ? 'finished' : this.runner.joinRunning(run, () => this.goOn(run.delivery));
    if (known !== undefined && known !== 'waits') this.onEnd();
    return known !== undefined;
  }

  private expire(delivery: Delivery, task: Task, expiresAt: number): void {
    const recording = this.unrun.expire(delivery, task, expiresAt);
    if (recording === undefined) this.onEnd();
    else this.end(delivery, recording);
  }

  private end(delivery: Delivery, recording: Promise<void>): void {
    afterRecording(recording, delivery, this.runner.name, this.dependencies.emit, this.onEnd);
  }
}

/** Where its body is sealed; it tells, and nothing is run by it. */
function nameBeside({ properties: { headers } }: Delivery): string {
  const name = headers?.[Header.task];
  return typeof name === 'string' ? name : '';
}

/** When the task expired, if it has. A header can hold anything: what is no time expires nothing. */
function expiryOf({ headers }: Task): number | undefined {
  const expiresAt = headers?.[Header.expires];
  return typeof expiresAt === 'number' && expiresAt <= clock.now() ? expiresAt : undefined;
}

function isTooEarly(arrived: ArrivedAs): arrived is ArrivedAs & { notBefore: number } {
  return arrived.notBefore !== undefined && arrived.notBefore > clock.now();
}
