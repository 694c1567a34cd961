import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Lease } from '../../../../../lib/worker/limits/shared/lease.js';
import { FakeBackend } from './fake-backend.js';

const LEASE_MS = 3_000;

describe('a lease', () => {
  let backend: FakeBackend;
  let lost: number;
  const leases: Lease[] = [];
  beforeEach(() => {
    vi.useFakeTimers();
    backend = new FakeBackend();
    lost = 0;
  });
  afterEach(() => {
    for (const lease of leases.splice(0)) lease.stop();
    vi.useRealTimers();
  });

  const made = (patient: boolean, isAway = (): boolean => false): Lease => {
    const lease = new Lease('by:', LEASE_MS, { backend: () => (isAway() ? Promise.reject(new Error('away')) : Promise.resolve(backend.port)), isHolding: () => true, tick: () => undefined, lost: () => { lost++; } }, { patient });
    leases.push(lease);
    return lease;
  };
  const held = async (lease: Lease): Promise<string> => {
    const name = lease.ensure();
    await vi.advanceTimersByTimeAsync(1);
    return name;
  };
  const gone = async (lease: Lease, name: string): Promise<boolean> => {
    const asking = lease.gone([name]);
    await vi.advanceTimersByTimeAsync(1);
    return (await asking).length > 0;
  };
  /** So long nobody renews anything. */
  const away = async (ms: number): Promise<void> => {
    backend.fault = () => 'before';
    await vi.advanceTimersByTimeAsync(ms);
    backend.fault = () => undefined;
  };

  it.each([true, false])('is alive for others while it is renewed, and gone after it (patient: %s)', async (patient) => {
    const [one, other] = [made(patient), made(patient)];
    const [name] = [await held(one), await held(other)];
    await vi.advanceTimersByTimeAsync(10 * LEASE_MS);
    expect(await gone(other, name)).toBe(false);
    one.stop();
    await vi.advanceTimersByTimeAsync(2 * LEASE_MS);
    expect(await gone(other, name)).toBe(true);
  });

  it('that is patient has its name again after the store was away, and the other believes it dead only when it has not come back for a whole lease', async () => {
    let isSlowAway = false;
    const [slow, quick] = [made(true, () => isSlowAway), made(true)];
    const [name] = [await held(slow), await held(quick)];
    await vi.advanceTimersByTimeAsync(5 * LEASE_MS);
    isSlowAway = true;
    await away(2 * LEASE_MS);
    await vi.advanceTimersByTimeAsync(LEASE_MS / 2);
    expect(await backend.port.get(`by:${name}`)).toBeUndefined();
    expect(await gone(quick, name)).toBe(false);
    isSlowAway = false;
    await vi.advanceTimersByTimeAsync(2 * LEASE_MS);
    expect(slow.current).toBe(name);
    expect(await gone(quick, name)).toBe(false);
    slow.stop();
    await vi.advanceTimersByTimeAsync(2 * LEASE_MS);
    expect(await gone(quick, name)).toBe(true);
    expect(lost).toBe(0);
  });

  it('that has only begun believes nobody dead before it has been renewed for a whole lease', async () => {
    const [young] = [made(true)];
    await held(young);
    expect(await gone(young, 'nobody')).toBe(false);
    await vi.advanceTimersByTimeAsync(LEASE_MS);
    expect(await gone(young, 'nobody')).toBe(true);
    await away(2 * LEASE_MS);
    expect(await gone(young, 'nobody')).toBe(false);
  });

  it('that is not patient has another name after it could not be renewed, and says so', async () => {
    const lease = made(false);
    const name = await held(lease);
    await away(3 * LEASE_MS);
    await vi.advanceTimersByTimeAsync(LEASE_MS);
    expect(lease.current).not.toBe(name);
    expect(lost).toBeGreaterThan(0);
  });
});
