import { ResultBackendUnavailableError } from '../../errors.js';

/** What a pending operation costs beside its value, roughly. */
const OVERHEAD_BYTES = 512;

/** How many operations, with how many bytes, are under way or waiting; beyond the bounds it says no. */
export class Admission {
  private operations = 0;
  private bytes = 0;
  private idleWaiters: (() => void)[] = [];

  constructor(private readonly bounds: { maxPendingOperations: number; maxPendingBytes: number }, private readonly display: string) {}

  /** @throws ResultBackendUnavailableError when too much is pending already */
  enter(bytes: number): void {
    const { maxPendingOperations, maxPendingBytes } = this.bounds;
    // A value larger than the bound must not be refused for ever: alone, it may pass.
    const tooManyBytes = this.bytes + bytes > maxPendingBytes && this.operations > 0;
    if (this.operations >= maxPendingOperations || tooManyBytes) throw this.full();
    this.operations++;
    this.bytes += bytes + OVERHEAD_BYTES;
  }

  leave(bytes: number): void {
    this.operations--;
    this.bytes -= bytes + OVERHEAD_BYTES;
    if (this.operations > 0) return;
    for (const resolve of this.idleWaiters.splice(0)) resolve();
  }

  /** Resolves when nothing is pending. */
  idle(): Promise<void> {
    if (this.operations === 0) return Promise.resolve();
    return new Promise((resolve) => this.idleWaiters.push(resolve));
  }

  private full(): ResultBackendUnavailableError {
    return new ResultBackendUnavailableError(
      `${this.operations} operations with ${this.bytes} bytes are waiting for the result backend at ${this.display} already. Try again later, or raise maxPendingOperations or maxPendingBytes.`,
      { operations: this.operations, bytes: this.bytes });
  }
}
