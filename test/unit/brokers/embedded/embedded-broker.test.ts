import { afterEach, describe, expect, it } from 'vitest';
import { EmbeddedBroker } from '../../../../lib/brokers/embedded/embedded-broker.js';
import { BrokerUnavailableError, ConfigurationError } from '../../../../lib/errors.js';

const QUEUES = { queues: [{ name: 'q' }] };
const MESSAGE = { body: Buffer.from('m'), properties: {} };

describe('EmbeddedBroker in memory', () => {
  const brokers: EmbeddedBroker[] = [];

  afterEach(async () => { await Promise.all(brokers.splice(0).map((broker) => broker.close(1000))); });

  async function connected(name?: string): Promise<EmbeddedBroker> {
    const broker = new EmbeddedBroker({ location: undefined, name, exchange: 'x' });
    brokers.push(broker);
    await broker.connect();
    return broker;
  }

  it('does not meet another of its process unless both give one name', async () => {
    const [alone, other, named, same, different] = await Promise.all([connected(), connected(), connected('n'), connected('n'), connected('m')]);
    await alone.declare(QUEUES);
    await named.declare(QUEUES);
    await named.publish(MESSAGE, { queue: 'q' });
    expect(await Promise.all([alone, other, same, different].map((broker) => broker.depth('q')))).toEqual([0, undefined, 1, undefined]);
  });

  it('forgets a named store when the last one leaves it', async () => {
    const [first, second] = await Promise.all([connected('n'), connected('n')]);
    await first.declare(QUEUES);
    await first.close(1000);
    expect(await second.depth('q')).toBe(0);
    await second.close(1000);
    expect(await (await connected('n')).depth('q')).toBeUndefined();
  });

  it('shares a queue in turn among the consumers of brokers that share a store', async () => {
    const [first, second] = await Promise.all([connected('n'), connected('n')]);
    await first.declare(QUEUES);
    const got: number[] = [0, 0];
    const all = new Promise<void>((resolve) => {
      [first, second].forEach((broker, index) => void broker.consume('q', { tag: 't', prefetch: 100 }, () => {
        got[index] = (got[index] as number) + 1;
        if (got[0]! + got[1]! === 20) resolve();
      }));
    });
    for (let i = 0; i < 20; i++) await first.publish(MESSAGE, { queue: 'q' });
    await all;
    expect(got).toEqual([10, 10]);
  });

  it('gives back what a closed broker held to the others of its name', async () => {
    const [first, second] = await Promise.all([connected('n'), connected('n')]);
    await first.declare(QUEUES);
    await first.publish(MESSAGE, { queue: 'q' });
    await new Promise<void>((resolve) => { void first.consume('q', { tag: 't', prefetch: 1 }, () => resolve()); });
    await first.close(1000);
    expect(await second.depth('q')).toBe(1);
  });

  it('delivers neither inside publish nor inside ack', async () => {
    const broker = await connected();
    await broker.declare(QUEUES);
    let inside = false;
    const broken: string[] = [];
    const second = new Promise<void>((resolve) => {
      let count = 0;
      void broker.consume('q', { tag: 't', prefetch: 1 }, (delivery) => {
        if (inside) broken.push('delivered inside a call');
        inside = true;
        delivery.ack();
        inside = false;
        if (++count === 2) resolve();
      });
    });
    inside = true;
    void broker.publish(MESSAGE, { queue: 'q' });
    void broker.publish(MESSAGE, { queue: 'q' });
    inside = false;
    await second;
    expect(broken).toEqual([]);
  });

  it('says what to do before it is connected, and refuses what cannot be meant', async () => {
    const idle = new EmbeddedBroker({ location: undefined, exchange: 'x' });
    await expect(idle.publish(MESSAGE, { queue: 'q' })).rejects.toThrow(BrokerUnavailableError);
    await expect(idle.depth('q')).rejects.toThrow(/connect\(\)/);
    await idle.close(1000);
    expect(() => new EmbeddedBroker({ location: './f', name: 'n', exchange: 'x' })).toThrow(ConfigurationError);
    const broker = await connected();
    await expect(broker.consume('missing', { tag: 't', prefetch: 1 }, () => undefined)).rejects.toThrow(/'missing'/);
  });
});
