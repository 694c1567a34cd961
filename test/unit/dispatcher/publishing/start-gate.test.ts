import { describe, expect, it } from 'vitest';
import { PublishBufferFullError } from '../../../../lib/errors.js';
import { StartGate } from '../../../../lib/dispatcher/publishing/start-gate.js';
import { Signal } from '../../../support/wait.js';

describe('StartGate', () => {
  it('connects once, for whoever comes first, and stays open', async () => {
    let connects = 0;
    const gate = new StartGate(() => { connects++; return Promise.resolve(); });
    await Promise.all([gate.pass(1), gate.open(), gate.pass(1)]);
    expect([connects, gate.isOpen]).toEqual([1, true]);
  });

  it('gives everybody the same failure', async () => {
    const failure = new Error('refused');
    const gate = new StartGate(() => Promise.reject(failure));
    await expect(gate.pass(1)).rejects.toBe(failure);
    await expect(gate.open()).rejects.toBe(failure);
    expect(gate.isOpen).toBe(false);
  });

  it('lets no more wait than its bounds allow, and takes more once these have passed', async () => {
    const connected = new Signal();
    const gate = new StartGate(() => connected.promise);
    const waiting = Array.from({ length: 10_000 }, () => gate.pass(1));
    await expect(gate.pass(1)).rejects.toThrow(PublishBufferFullError);
    connected.fire();
    await Promise.all(waiting);
    await gate.pass(1);
    const heavy = new StartGate(() => new Signal().promise);
    void heavy.pass(60 * 1024 * 1024);
    await expect(heavy.pass(5 * 1024 * 1024)).rejects.toThrow(/bytes may/);
  });
});
