import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigurationError, ResultBackendFullError, ResultBackendRefusedError } from '../../lib/errors.js';
import { createResultBackend } from '../../lib/state/create-result-backend.js';
import type { ResultBackendOptions } from '../../lib/state/result-backend-options.js';
import type { StateBackend } from '../../lib/state/state-backend.js';
import { removeFromRabbitMq, sharedRabbitMqUrl, uniqueName, withChannel } from '../support/shared-rabbitmq.js';
import { Arrivals, emission, eventually } from '../support/wait.js';

const MINUTE = { expiresInMs: 60_000 };
const bytes = (text: string): Buffer => Buffer.from(text);

describe('the ledger on RabbitMQ', () => {
  const url = sharedRabbitMqUrl();
  const backends: StateBackend[] = [];
  let exchange: string;
  let queue: string;
  let requests: string;
  beforeEach(() => {
    exchange = uniqueName('ledger');
    queue = `${exchange}.ledger.v1`;
    requests = `${exchange}.ledger.requests.v1`;
  });
  afterEach(async () => {
    await Promise.all(backends.splice(0).map((backend) => backend.close(5_000)));
    await removeFromRabbitMq(url, { queues: [queue, requests] });
  });

  async function connect(options: ResultBackendOptions = {}, at = url): Promise<StateBackend> {
    const backend = createResultBackend(at, { exchange, reconnectMinMs: 20, ...options });
    backends.push(backend);
    await backend.connect();
    return backend;
  }

  async function membersOf(backend: StateBackend, key: string): Promise<string[]> {
    const names: string[] = [];
    for await (const page of backend.members(key)) names.push(...page.map(({ member }) => member));
    return names;
  }

  /** What the queue holds when nobody keeps the ledger. */
  async function leftInQueue(): Promise<number> {
    await Promise.all(backends.splice(0).map((backend) => backend.close(5_000)));
    let count = 0;
    await withChannel(url, async (channel) => {
      count = (await eventually(() => channel.checkQueue(queue), ({ consumerCount }) => consumerCount === 0, 'the keepers to be gone')).messageCount;
    });
    return count;
  }

  it('keeps 5,000 members, in order, while all records are written anew again and again and keepers change', async () => {
    const ledger = { refreshMs: 1_000 };
    const first = await connect({ ledger });
    const second = await connect({ ledger });
    const names = Array.from({ length: 5_000 }, (_, index) => `m${index}`);
    const counts: number[] = [];
    for (let from = 0; from < names.length; from += 500) {
      const added = await Promise.all(names.slice(from, from + 500).map((name) => second.addMember('set', name, bytes(name), MINUTE)));
      counts.push(...added.map(({ count }) => count));
    }
    await first.set('marker', bytes('v'), { expiresInMs: 3_000 });
    await eventually(() => second.get('marker'), (value) => value === undefined, 'three seconds to pass by the ledger');
    expect(counts).toEqual(names.map((_, index) => index + 1));
    expect(await membersOf(second, 'set')).toEqual(names);
    await first.close(5_000);
    expect(await membersOf(second, 'set')).toEqual(names);
    expect(await second.addMember('set', 'm17', bytes('again'), MINUTE)).toEqual({ count: 5_000, added: false });
    await second.delete('set');
    // Two ticks: what outdates a record goes after it.
    await second.set('marker', bytes('v'), { expiresInMs: 2_500 });
    await eventually(() => second.get('marker'), (value) => value === undefined, 'the deleted to be acknowledged');
    expect(await leftInQueue()).toBeLessThan(20);
  });

  it('keeps what is live, and no more of what is outdated, through many changes of many entries and the end of a keeper', async () => {
    const first = await connect();
    const second = await connect();
    const expected = new Map<string, string>();
    const change = async (step: number): Promise<void> => {
      // All keys in turn, so that each change outdates a record in the midst of the others; one in five goes.
      const key = `k${(step * 7_919) % 2_000}`;
      if (step % 5 === 4) {
        expected.delete(key);
        return second.delete(key);
      }
      expected.set(key, `v${step}`);
      return second.set(key, bytes(`v${step}`), MINUTE);
    };
    for (let from = 0; from < 12_000; from += 500) await Promise.all(Array.from({ length: 500 }, (_, index) => change(from + index)));
    await first.close(5_000);
    const keys = Array.from({ length: 2_000 }, (_, index) => `k${index}`);
    const found = await Promise.all(keys.map((key) => second.get(key)));
    expect(found.map((value) => value?.toString())).toEqual(keys.map((key) => expected.get(key)));
    // Some changes are on their way to being let go when the keeper ends.
    expect(await leftInQueue()).toBeLessThan(2 * expected.size + 1_000);
  });

  it('leaves nothing behind of what has expired', async () => {
    const backend = await connect();
    await Promise.all(Array.from({ length: 100 }, async (_, index) => {
      await backend.set(`k${index}`, bytes('v'), { expiresInMs: 100 });
      await backend.addMember('set', `m${index}`, bytes('v'), { expiresInMs: 100 });
    }));
    await backend.set('marker', bytes('v'), { expiresInMs: 4_000 });
    await eventually(() => backend.get('marker'), (value) => value === undefined, 'the sweep');
    // The marker of the test, at most, and that of the keeper.
    expect(await leftInQueue()).toBeLessThanOrEqual(2);
  });

  it('refuses more than it may hold, and goes on with what it has', async () => {
    const backend = await connect({ ledger: { maxEntries: 10 } });
    for (let index = 0; index < 10; index++) await backend.set(`k${index}`, bytes('v'), MINUTE);
    const error: unknown = await backend.set('one more', bytes('v'), MINUTE).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ResultBackendFullError);
    expect((error as Error).message).toMatch(/10 entries .* Redis or MongoDB/);
    await expect(backend.addMember('set', 'm', bytes('v'), MINUTE)).rejects.toThrow(ResultBackendFullError);
    await backend.set('k0', bytes('w'), MINUTE);
    expect(await backend.get('k0')).toEqual(bytes('w'));
    await backend.delete('k1');
    await backend.set('one more', bytes('v'), MINUTE);
  });

  it('counts bytes too', async () => {
    const backend = await connect({ ledger: { maxBytes: 100_000 } });
    await backend.set('k', Buffer.alloc(60_000), MINUTE);
    await expect(backend.set('l', Buffer.alloc(60_000), MINUTE)).rejects.toThrow(ResultBackendFullError);
    await backend.set('k', Buffer.alloc(10_000), MINUTE);
    await backend.set('l', Buffer.alloc(60_000), MINUTE);
  });

  it('drops what it does not understand, and says so', async () => {
    const backend = await connect();
    const warnings = new Arrivals<string>();
    backend.events.subscribe((event) => { if (event.type === 'results.warning') warnings.add(event.message); });
    await backend.set('k', bytes('v'), MINUTE);
    const header = Buffer.from('{"kind":"member","bytes":[]}');
    const start = Buffer.from([1, 0, 0, 0, header.length]);
    const garbage: [Buffer, string | undefined][] = [
      [Buffer.alloc(0), undefined], [bytes('{}'), 'request'], [bytes('{}'), 'record'], [Buffer.from([1, 255, 255, 255, 255]), 'record'],
      [Buffer.concat([start, header]), 'record'], [Buffer.concat([start, header]), 'request'], [Buffer.alloc(200_000, 1), 'something else'],
    ];
    await withChannel(url, async (channel) => {
      for (const [body, type] of garbage) channel.sendToQueue(type === 'request' ? requests : queue, body, { type, persistent: true });
      await channel.waitForConfirms();
    });
    await warnings.count(garbage.length);
    expect(await backend.get('k')).toEqual(bytes('v'));
    // The value, and the keeper's marker.
    expect(await leftInQueue()).toBe(2);
  });

  it('begins anew, empty, when its queue is deleted', async () => {
    const backend = await connect();
    const other = await connect();
    await backend.set('k', bytes('v'), MINUTE);
    const lost = emission(other.states, ({ status }) => status === 'lost', 'the loss to be noticed');
    await removeFromRabbitMq(url, { queues: [queue] });
    await lost;
    await emission(other.states, ({ status }) => status === 'ready', 'the connection to be back');
    expect(await other.get('k')).toBeUndefined();
    await backend.set('k', bytes('w'), MINUTE);
    expect(await other.get('k')).toEqual(bytes('w'));
  });

  it('says what is wrong when its queue is another one', async () => {
    await withChannel(url, async (channel) => void await channel.assertQueue(queue, { durable: true }));
    const error: unknown = await connect().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ResultBackendRefusedError);
    expect((error as Error).message).toMatch(/inequivalent arg.*delete it, or choose another exchange/);
  });

  it('is refused a wrong password at once, in words that hide it', async () => {
    const error: unknown = await connect({}, url.replace('guest:guest', 'guest:wrong')).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ResultBackendRefusedError);
    expect((error as Error).message).not.toMatch(/wrong/);
    expect(() => createResultBackend(url)).toThrow(ConfigurationError);
  });

  it('keeps applications apart that share a server: by exchange, and by prefix', async () => {
    const one = await connect({ keyPrefix: 'one:' });
    const two = await connect({ keyPrefix: 'two:' });
    await one.set('k', bytes('1'), MINUTE);
    expect(await two.get('k')).toBeUndefined();
    const elsewhere = createResultBackend(url, { exchange: `${exchange}-other`, keyPrefix: 'one:' });
    backends.push(elsewhere);
    await elsewhere.connect();
    expect(await elsewhere.get('k')).toBeUndefined();
    await elsewhere.close(5_000);
    await removeFromRabbitMq(url, { queues: [`${exchange}-other.ledger.v1`, `${exchange}-other.ledger.requests.v1`] });
  });
});
