import type { Broker, Replies } from '../../brokers/broker.js';
import { ShutdownError, UnroutableTaskError } from '../../errors.js';
import { Arrivals, eventually } from './waiting.js';
import { CLOSE_LIMIT_MS, message, numbered, publishAll, type LosingBroker, type RepliesFixture, type BrokerSuite } from './bench.js';

/** Longer than any test takes: nothing goes by itself. */
const KEPT_MS = 600_000;
/** Far longer than it takes to open a queue on a busy machine, and short enough to be waited for. */
const SOON_MS = 5_000;

export function repliesContract(suite: BrokerSuite): void {
  const { bench, describe, expect, fixture, it } = suite;
  describe('replies', () => {
    if (fixture.replies === 'none') {
      it('are absent', async () => {
        expect((await bench.connect()).openReplies === undefined).toBe(true);
      });
      return;
    }
    offeredReplies(suite, fixture.replies);
  });
}

function offeredReplies({ afterEach, bench, expect, it }: BrokerSuite, fixture: RepliesFixture): void {
  const losing: LosingBroker[] = [];
  afterEach(async () => { for (const one of losing.splice(0)) await one.close(); });

  async function connectLosing(keepMs: number): Promise<LosingBroker> {
    const one = await fixture.connectLosing(keepMs);
    losing.push(one);
    return one;
  }

  it('reach the process that opened them, with body and properties, from whichever broker', async () => {
    const [caller, worker] = [await bench.connect(), await bench.connect()];
    const properties = { type: 'report', correlationId: 'c', replyTo: 'back' };
    const seen = new Arrivals<unknown>();
    const replies = await opened(caller, (answer) => seen.add({ body: answer.body.toString(), ...answer.properties }));
    await worker.publish(message('one', properties), { queue: replies.address });
    await caller.publish(message('two', properties), { queue: replies.address });
    expect(await seen.count(2)).toMatchObject([{ body: 'one', ...properties }, { body: 'two', ...properties }]);
  });

  it('have an address of their own in each process', async () => {
    const [one, other] = [await bench.connect(), await bench.connect()];
    const [ofOne, ofOther] = [new Arrivals<string>(), new Arrivals<string>()];
    const [first, second] = [await opened(one, bodiesInto(ofOne)), await opened(other, bodiesInto(ofOther))];
    expect(first.address).not.toBe(second.address);
    await publishAll(one, second.address, ['to the other']);
    await publishAll(other, first.address, ['to the one']);
    expect([await ofOne.count(1), await ofOther.count(1)]).toEqual([['to the one'], ['to the other']]);
  });

  it('are one at most of a broker, until they are closed', async () => {
    const broker = await bench.connect();
    const both = await Promise.allSettled([opened(broker), opened(broker)]);
    expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    await expect(opened(broker)).rejects.toMatchObject({ code: 'ERR_DISPATCHER_REPLIES_OPEN' });
    const [first] = both as [PromiseFulfilledResult<Replies>, PromiseRejectedResult];
    await first.value.close();
    const seen = new Arrivals<string>();
    const next = await opened(broker, bodiesInto(seen));
    await publishAll(broker, next.address, ['heard']);
    expect(await seen.count(1)).toEqual(['heard']);
  });

  it('go with all that is in them when they are closed, and can be closed twice', async () => {
    const [caller, worker] = [await bench.connect(), await bench.connect()];
    const replies = await opened(caller);
    const { address } = replies;
    await replies.close();
    await replies.close();
    await expect(worker.publish(message(), { queue: address })).rejects.toThrow(UnroutableTaskError);
    expect(await worker.depth(address)).toBeUndefined();
  });

  it('go with their broker, and are not opened after it', async () => {
    const [caller, worker] = [await bench.connect(), await bench.connect()];
    const { address } = await opened(caller);
    await caller.close(CLOSE_LIMIT_MS);
    await expect(worker.publish(message(), { queue: address })).rejects.toThrow(UnroutableTaskError);
    await expect(opened(caller)).rejects.toThrow(ShutdownError);
  });

  it('keep their address, and what comes while the connection is lost', async () => {
    const [caller, worker] = [await connectLosing(KEPT_MS), await bench.connect()];
    const seen = new Arrivals<string>();
    const replies = await opened(caller.broker, bodiesInto(seen));
    const { address } = replies;
    const expected = new Set<string>();
    for (let round = 0; round < 3; round++) {
      const bodies = numbered(50, `round-${round}`);
      await caller.lose();
      await publishAll(worker, address, bodies);
      caller.giveBack();
      for (const body of bodies) expected.add(body);
      // Some may come twice: what was received was not acknowledged yet when the connection went.
      await seen.until(() => new Set(seen.all).size === expected.size, 40_000, () => `${expected.size} different answers; there are ${new Set(seen.all).size}`);
    }
    expect(new Set(seen.all)).toEqual(expected);
    expect(replies.address).toBe(address);
  });

  it('go by themselves some time after their process, with what is in them, and are made anew should it come back', async () => {
    const [caller, worker] = [await connectLosing(SOON_MS), await bench.connect()];
    const seen = new Arrivals<string>();
    const { address } = await opened(caller.broker, bodiesInto(seen));
    await caller.lose();
    const tooLate = (): Promise<unknown> => worker.publish(message('too late'), { queue: address }).then(() => undefined, (error: unknown) => error);
    // Not by asking for its depth: to some servers that is a use of it, which prolongs its life.
    await eventually(tooLate, (error) => error instanceof UnroutableTaskError, 'the replies to go', { limitMs: 60_000 });
    caller.giveBack();
    await eventually(() => worker.publish(message('heard'), { queue: address }).then(() => true), (routed) => routed, 'them to be back', { limitMs: 40_000 });
    expect(await seen.count(1)).toEqual(['heard']);
  });
}

function opened(broker: Broker, onReply: Parameters<NonNullable<Broker['openReplies']>>[0] = () => undefined): Promise<Replies> {
  if (broker.openReplies === undefined) throw new Error('This kind of broker is said to have replies, and has no openReplies.');
  return broker.openReplies(onReply);
}

function bodiesInto(arrivals: Arrivals<string>): (answer: { body: Buffer }) => void {
  return ({ body }) => arrivals.add(body.toString());
}
