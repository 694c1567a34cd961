import type { Claim, ExpiryOptions, StateBackend } from '../../../../../lib/state/state-backend.js';

/** What limits need of a backend, in memory; it can be slow, fail before or after it has done something, and counts. */
export class FakeBackend {
  readonly entries = new Map<string, { value: Buffer; expiresAt: number }>();
  readonly state = { status: 'ready', since: 0 };
  operations = 0;
  latencyMs: () => number = () => 0;
  /** `before`: nothing has happened. `after`: it has, and nobody is told. */
  fault: () => 'before' | 'after' | undefined = () => undefined;

  get port(): StateBackend { return this as unknown as StateBackend; }

  get(key: string): Promise<Buffer | undefined> {
    return this.operate(() => this.find(key));
  }

  set(key: string, value: Buffer, options: ExpiryOptions): Promise<void> {
    return this.operate(() => this.put(key, value, options));
  }

  setIfAbsent(key: string, value: Buffer, options: ExpiryOptions): Promise<Claim> {
    return this.operate(() => {
      const present = this.find(key);
      if (present !== undefined) return { taken: false, value: present };
      this.put(key, value, options);
      return { taken: true };
    });
  }

  replaceIfEqual(key: string, expected: Buffer, value: Buffer, options: ExpiryOptions): Promise<boolean> {
    return this.operate(() => {
      if (this.find(key)?.equals(expected) !== true) return false;
      this.put(key, value, options);
      return true;
    });
  }

  deleteIfEqual(key: string, value: Buffer): Promise<boolean> {
    return this.operate(() => this.find(key)?.equals(value) === true && this.entries.delete(key));
  }

  delete(key: string): Promise<void> {
    return this.operate(() => void this.entries.delete(key));
  }

  private find(key: string): Buffer | undefined {
    const entry = this.entries.get(key);
    return entry !== undefined && entry.expiresAt > performance.now() ? entry.value : undefined;
  }

  private put(key: string, value: Buffer, { expiresInMs }: ExpiryOptions): void {
    this.entries.set(key, { value, expiresAt: performance.now() + expiresInMs });
  }

  private async operate<T>(work: () => T): Promise<T> {
    this.operations++;
    const latency = this.latencyMs();
    await pause(latency * 0.3);
    const fault = this.fault();
    if (fault === 'before') throw new Error('the backend is away');
    const result = work();
    await pause(latency * 0.7);
    if (fault === 'after') throw new Error('no answer of the backend');
    return result;
  }
}

async function pause(milliseconds: number): Promise<void> {
  if (milliseconds > 0) await new Promise((resolve) => { setTimeout(resolve, milliseconds); });
  else await Promise.resolve();
}
