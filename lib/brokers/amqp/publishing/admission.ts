import type { DispatcherError } from '../../../errors.js';
import type { PublishingLimits } from '../amqp-broker-options.js';
import { bufferFull, tooLarge } from './publish-errors.js';

/** Counts what was taken for publishing and is not settled yet, and says when it is too much. */
export class Admission {
  private tasks = 0;
  private bytes = 0;
  private idleWaiters: (() => void)[] = [];

  constructor(private readonly limits: PublishingLimits) {}

  get isIdle(): boolean {
    return this.tasks === 0;
  }

  /** Why this one may not come in, if so. */
  refusal(bytes: number): DispatcherError | undefined {
    if (this.tasks < this.limits.maxWaitingTasks && this.bytes + bytes <= this.limits.maxWaitingBytes) return undefined;
    if (bytes > this.limits.maxWaitingBytes) return tooLarge(bytes, this.limits.maxWaitingBytes, 'the limit `maxWaitingBytes`');
    return bufferFull(this.tasks, this.bytes, this.limits);
  }

  enter(bytes: number): void {
    this.tasks++;
    this.bytes += bytes;
  }

  leave(bytes: number): void {
    this.tasks--;
    this.bytes -= bytes;
    if (this.tasks === 0 && this.idleWaiters.length > 0) {
      for (const resolve of this.idleWaiters.splice(0)) resolve();
    }
  }

  whenIdle(): Promise<void> {
    return this.isIdle ? Promise.resolve() : new Promise((resolve) => this.idleWaiters.push(resolve));
  }
}
