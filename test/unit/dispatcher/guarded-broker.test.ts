import { of } from 'rxjs';
import { describe, expect, it, vi } from 'vitest';
import type { Address, Broker, Message } from '../../../lib/brokers/broker.js';
import { GuardedBroker } from '../../../lib/dispatcher/guarded-broker.js';
import { StrictWireError } from '../../../lib/errors.js';
import { LoopbackBroker } from '../../support/loopback-broker.js';
import { startApp } from '../../support/nest-app.js';

const message: Message = { body: Buffer.from('body'), properties: {} };
const address: Address = { queue: 'q' };

/** Each of the port's methods, with an argument of each kind that it takes: they are only compared. */
const CALLS: { readonly [Name in { [Key in keyof Required<Broker>]: Required<Broker>[Key] extends (...args: never[]) => unknown ? Key : never }[keyof Broker]]: readonly unknown[] } = {
  connect: [], declare: [{ queues: [] }], publish: [message, address, { delayMs: 5 }], consume: ['q', { tag: 't', prefetch: 1 }, () => undefined], depth: ['q'], first: ['q'], delayedCount: [true], delayedWithin: [[1_000]],
  browse: ['q', () => 'keep', { maxHeld: 1 }], purge: ['q', () => undefined], beforeUndelivered: [() => undefined], signal: [], watchSignals: [() => undefined], broadcast: ['t', Buffer.from('m')], watchBroadcasts: ['t', () => undefined], openReplies: [() => undefined], close: [1_000],
};

function recorded(): Broker {
  return { states: of(), events: of(), state: { status: 'ready', since: 7 }, ...Object.fromEntries(Object.keys(CALLS).map((name) => [name, vi.fn(() => name)])) } as unknown as Broker;
}

describe('a guarded broker', () => {
  it.each(Object.entries(CALLS))('hands %s through as it is', (name, args) => {
    const broker = recorded();
    const guarded = new GuardedBroker(broker, () => undefined) as unknown as Record<string, (...args: readonly unknown[]) => unknown>;
    expect(guarded[name]!(...args)).toBe(name === 'beforeUndelivered' ? undefined : name);
    expect((broker as unknown as Record<string, unknown>)[name]).toHaveBeenCalledExactlyOnceWith(...args);
  });

  it('has what is not called too, and lacks what its broker lacks', () => {
    const broker = recorded();
    const guarded = new GuardedBroker(broker, () => undefined);
    expect([guarded.states, guarded.events, guarded.state]).toEqual([broker.states, broker.events, broker.state]);
    expect(new GuardedBroker({ ...broker, openReplies: undefined }, () => undefined).openReplies).toBeUndefined();
    expect(new GuardedBroker({ ...broker, first: undefined }, () => undefined).first).toBeUndefined();
  });

  it('publishes nothing that its guard refuses', async () => {
    const broker = recorded();
    const refusal = new StrictWireError('no', {});
    const guard = vi.fn(() => refusal);
    await expect(new GuardedBroker(broker, guard).publish(message, address)).rejects.toBe(refusal);
    expect(guard).toHaveBeenCalledExactlyOnceWith(message, address);
    expect(broker.publish).not.toHaveBeenCalled();
  });

  it('leaves the broker that a dispatcher was given as it was', async () => {
    const broker = new LoopbackBroker();
    const members = Object.keys(broker);
    await startApp({}, { wire: 'gofort-strict' }, { broker });
    expect(Object.keys(broker)).toEqual(members);
  });
});
