import { describe, expect, it } from 'vitest';
import type { MessageStore } from '../../../../lib/brokers/embedded/message-store.js';
import type { Settlement, TakenMessage } from '../../../../lib/brokers/store/queue-store.js';
import { QueueDispatch, type DispatchTarget } from '../../../../lib/brokers/store/queue-dispatch.js';

type Into = (taken: readonly TakenMessage[], more: boolean) => void;

/** Answers when the test says so, as a store on disk does. */
class ScriptedStore {
  readonly asked: { limit: number; into: Into }[] = [];
  readonly settled: Settlement[] = [];
  readonly consumers: number[] = [];
  interest = (_queue: string, count: number): void => { this.consumers.push(count); };
  take = (_queue: string, limit: number, into: Into): void => { this.asked.push({ limit, into }); };
  settle = (_taken: TakenMessage, how: Settlement): boolean => this.settled.push(how) > 0;
}

class Target implements DispatchTarget {
  readonly got: string[] = [];
  constructor(public room: number) {}
  free = (): number => this.room;
  receive(taken: TakenMessage): void {
    this.room -= 1;
    this.got.push(taken.body.toString());
  }
}

const turn = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve); });

function messages(...bodies: string[]): TakenMessage[] {
  return bodies.map((body) => ({ body: Buffer.from(body), properties: {}, exchange: '', routingKey: 'q', redelivered: false, deliveryCount: 0 }));
}

function make(): { store: ScriptedStore; dispatch: QueueDispatch } {
  const store = new ScriptedStore();
  return { store, dispatch: new QueueDispatch('q', store as unknown as MessageStore) };
}

describe('QueueDispatch', () => {
  it('asks once a turn, however often it is woken, for all that its consumers have room for', async () => {
    const { store, dispatch } = make();
    dispatch.add(new Target(2));
    dispatch.add(new Target(3));
    dispatch.wake();
    expect(store.asked).toEqual([]);
    await turn();
    expect(store.asked.map(({ limit }) => limit)).toEqual([5]);
    expect(store.consumers).toEqual([1, 2]);
  });

  it('gives in turn, passes over who is full, and goes on where it stopped', async () => {
    const { store, dispatch } = make();
    const [a, b, c] = [new Target(3), new Target(1), new Target(3)];
    for (const target of [a, b, c]) dispatch.add(target);
    await turn();
    store.asked[0]?.into(messages('1', '2', '3', '4'), true);
    await turn();
    store.asked[1]?.into(messages('5', '6'), false);
    expect([a.got, b.got, c.got]).toEqual([['1', '4', '6'], ['2'], ['3', '5']]);
  });

  it('asks nothing while an answer is out, and again afterwards when it was woken meanwhile', async () => {
    const { store, dispatch } = make();
    dispatch.add(new Target(10));
    await turn();
    dispatch.wake();
    await turn();
    expect(store.asked.length).toBe(1);
    store.asked[0]?.into([], false);
    await turn();
    expect(store.asked.length).toBe(2);
    store.asked[1]?.into(messages('1'), false);
    await turn();
    expect(store.asked.length).toBe(2);
  });

  it('hands back untouched what nobody wants any more', async () => {
    const { store, dispatch } = make();
    const target = new Target(5);
    dispatch.add(target);
    await turn();
    dispatch.remove(target);
    store.asked[0]?.into(messages('1', '2'), true);
    await turn();
    expect([target.got, store.settled, store.asked.length]).toEqual([[], ['untake', 'untake'], 1]);
  });
});
