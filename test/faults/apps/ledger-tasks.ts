import { Injectable } from '@nestjs/common';
import { currentTask, Task, TaskContext, type BatchedTask } from '../../../lib/index.js';
import { pause, Signal } from '../../support/wait.js';
import { say } from '../../support/say.js';

/** The environment variable with the weight of `work`; without it no task has one. */
export const WEIGHT_VARIABLE = 'DISPATCHER_FAULT_WEIGHT';
const weight = process.env[WEIGHT_VARIABLE];

/** Handlers that book what they do. */
@Injectable()
export class LedgerTasks {
  private readonly released = new Signal();

  release(): void {
    this.released.fire();
  }

  @Task('work', weight === undefined ? {} : { weight: Number(weight) })
  async work(milliseconds: number, ...rest: unknown[]): Promise<void> {
    await this.book([milliseconds, ...rest], () => (milliseconds > 0 ? pause(milliseconds) : undefined));
  }

  /** What it returns says whose result it is. */
  @Task('echo')
  async echo(number: number, milliseconds: number): Promise<{ number: number; uuid: string | undefined }> {
    if (milliseconds > 0) await pause(milliseconds);
    return { number, uuid: currentTask()?.uuid };
  }

  /** A worker on a queue of dead letters books them. */
  @Task('fails')
  async fails(milliseconds: number): Promise<void> {
    const { uuid, queue, headers } = currentTask() as TaskContext;
    if (queue.endsWith('.dead')) return say({ kind: 'dead', uuid, reason: headers['x-dispatcher-dead-reason'] as string });
    await this.book([milliseconds], async () => {
      await pause(milliseconds);
      throw new Error('on purpose');
    });
  }

  /** Its process dies with it, after so many milliseconds. */
  @Task('kills')
  async kills(milliseconds: number): Promise<void> {
    await this.book([milliseconds], async () => {
      await pause(milliseconds);
      process.kill(process.pid, 'SIGKILL');
    });
  }

  /** Computes without a pause: no timer and no socket of this process gets its turn meanwhile. */
  @Task('compute')
  async compute(milliseconds: number, first: 'at-once' | 'after-a-pause'): Promise<void> {
    await this.book([milliseconds], async () => {
      if (first === 'after-a-pause') await pause(1);
      const end = performance.now() + milliseconds;
      while (performance.now() < end);
    });
  }

  /** Works on many at once. A negative number kills its process, and with it whatever else the call is for. */
  @Task('batched', { batch: { size: 50, waitMs: 20 }, retry: { attempts: 5, delaySeconds: 0.05 } })
  async batched(tasks: readonly BatchedTask<[milliseconds: number], void>[]): Promise<void> {
    for (const { uuid, context: { attempt, redelivered }, args } of tasks) say({ kind: 'started', uuid, attempt, redelivered, args: [...args, tasks.length] });
    await pause(Math.max(...tasks.map(({ args: [milliseconds] }) => Math.abs(milliseconds))));
    if (tasks.some(({ args: [milliseconds] }) => milliseconds < 0)) process.kill(process.pid, 'SIGKILL');
    // Every seventh fails at its first attempt.
    for (const one of tasks) {
      if (one.uuid.endsWith('7') && one.context.attempt === 1) one.fail(new Error('on purpose'));
      else say({ kind: 'finished', uuid: one.uuid });
    }
  }

  /** Every seventh fails at its first attempt. It books when it was started. */
  @Task('stumbles')
  async stumbles(milliseconds: number, key: string, number: number): Promise<void> {
    await this.book([milliseconds, key, number, Date.now()], async () => {
      await pause(milliseconds);
      if (number % 7 === 0 && currentTask()?.attempt === 1) throw new Error('on purpose');
    });
  }

  /** Runs until the test releases it, deaf to everything else. */
  @Task('hold')
  async hold(): Promise<void> {
    await this.book([], () => this.released.promise);
  }

  /** The same, and it reports all the while: each step more often than reports are sent. */
  @Task('reporting')
  async reporting(@TaskContext() context: TaskContext): Promise<string> {
    let over = false;
    void this.released.promise.then(() => { over = true; });
    await this.book([], async () => {
      for (let step = 0; !over; step = (step + 1) % 1_000) {
        context.progress(step / 1_000);
        await pause(10);
      }
    });
    return 'done';
  }

  /** The same as `hold`, but it stops when it is asked to. */
  @Task('hold_politely')
  async holdPolitely(@TaskContext() { signal }: TaskContext): Promise<void> {
    await this.book([], () => Promise.race([this.released.promise, aborted(signal)]));
  }

  private async book(args: unknown[], action: () => unknown): Promise<void> {
    const { uuid, attempt, redelivered } = currentTask() as TaskContext;
    say({ kind: 'started', uuid, attempt, redelivered, args });
    await action();
    say({ kind: 'finished', uuid });
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}
