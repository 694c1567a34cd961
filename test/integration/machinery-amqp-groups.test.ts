import { describe, expect, it, onTestFinished } from 'vitest';
import { AmqpLink } from '../../lib/foreign/amqp/amqp-link.js';
import { AmqpMachineryStore } from '../../lib/foreign/machinery/amqp-machinery-store.js';
import { machineryState } from '../../lib/formats/machinery/task-state.js';
import { Secret } from '../../lib/urls/secret.js';
import { removeFromRabbitMq, sharedRabbitMqUrl, transientQueuesRefused, uniqueName, withChannel } from '../support/shared-rabbitmq.js';

const PROCESSES = 3;
const MEMBERS = 30;

/** Members of a group that end at once, in several processes. */
async function start() {
  const [url, exchange, group] = [sharedRabbitMqUrl(), uniqueName('groups'), uniqueName('group')];
  await withChannel(url, (channel) => channel.assertExchange(exchange, 'direct', { durable: true }));
  const stores = Array.from({ length: PROCESSES }, (_, at) => new AmqpMachineryStore(new AmqpLink({ url: new Secret(url), name: `groups ${at}`, warn: () => undefined }), { exchange, expiresInMs: 60_000 }));
  onTestFinished(async () => {
    await Promise.all(stores.map((store) => store.close()));
    await removeFromRabbitMq(url, { exchanges: [exchange], queues: [group] });
  });
  const end = (index: number, count: number) => {
    const uuid = `${group}-${index}`;
    return (stores[index % PROCESSES] as AmqpMachineryStore).complete({ uuid, group, count, state: machineryState({ uuid, name: 'member' }, 'SUCCESS', { Results: [] }) });
  };
  return { end, kept: () => withChannel(url, async (channel) => (await channel.checkQueue(group)).messageCount) };
}

describe('members of a group of machinery that end at once, kept by its AMQP backend', () => {
  it('are each written once, as workers in Go count messages', async ({ skip }) => {
    const refused = await transientQueuesRefused();
    if (refused !== undefined) return skip(refused);
    const { end, kept } = await start();
    const ends = await Promise.all(Array.from({ length: MEMBERS }, (_, index) => end(index, MEMBERS + 1)));
    expect(new Set(ends.map(({ kind }) => kind))).toEqual(new Set(['pending']));
    expect(await kept()).toBe(MEMBERS);
  }, 60_000);

  it('give the callback to one of them, which sees all, and sees them again until it has sent it', async ({ skip }) => {
    const refused = await transientQueuesRefused();
    if (refused !== undefined) return skip(refused);
    const { end, kept } = await start();
    const ends = await Promise.all(Array.from({ length: MEMBERS }, (_, index) => end(index, MEMBERS)));
    const mine = ends.findIndex(({ kind }) => kind === 'mine');
    expect(ends.filter(({ kind }) => kind === 'mine')).toHaveLength(1);
    const again = await end(mine, MEMBERS);
    if (again.kind !== 'mine') expect.unreachable(`it is ${again.kind}`);
    expect(new Set(again.states.map(({ TaskUUID }) => TaskUUID)).size).toBe(MEMBERS);
    await again.sent();
    expect(await kept()).toBe(0);
  }, 60_000);
});
