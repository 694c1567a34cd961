import { Injectable } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { PROPERTIES, ReceivedProperties } from '../../lib/amqp/received-properties.js';
import { Task, TaskContext, type DispatcherEvent } from '../../lib/index.js';
import { oneWorker, startOn } from '../support/nest-on-broker.js';
import { EVERY_TYPE, publishRaw, type RawHeader, rawProperties, type RawProperties, sendersEntries, sized, table, takeRaw, uint } from '../support/raw-publish.js';
import { sharedRabbitMqUrl } from '../support/shared-rabbitmq.js';
import { Arrivals } from '../support/wait.js';

@Injectable()
class Tasks {
  readonly ran = new Arrivals<TaskContext>();

  @Task('breaks', { retry: { attempts: 3, delaySeconds: 0.1, jitter: 0 } })
  breaks(@TaskContext() context: TaskContext): void {
    this.ran.add(context);
    throw new Error('broke');
  }
}

const LATIN = Buffer.from([0x63, 0x61, 0x66, 0xe9]);
const BODY = Buffer.from(JSON.stringify({ uuid: 'u-1', name: 'breaks', args: null }));

function nested(levels: number): Buffer {
  let inner = table([['end', 'V', Buffer.alloc(0)]]);
  for (let level = 1; level < levels; level++) inner = table([['in', 'F', inner]]);
  return inner;
}

const header = (...headers: RawHeader[]): RawProperties => ({ headers });

/** Not a name that comes twice: servers from 4.0 on forget one of the two where they move a message themselves. Each of these was altered, or held a slot for ever, when it was sent on as JavaScript has it. */
const CASES: [string, RawProperties][] = [
  ['short texts that are not UTF-8', { contentType: Buffer.alloc(200, 0xe9), correlationId: Buffer.alloc(255, 0xff), messageId: Buffer.alloc(255, 0xfe), type: LATIN, appId: LATIN }],
  ['a plain message with a type that is not UTF-8', { contentType: LATIN, deliveryMode: 2 }],
  ['the latest time there is', { timestamp: 2n ** 64n - 1n, priority: 255 }],
  ['a time beyond what a Date can be', { timestamp: 9_000_000_000_000n }],
  ['a user id and a time to live', { userId: Buffer.from('guest'), expiration: Buffer.from('60000') }],
  ['headers of every type', { headers: EVERY_TYPE }],
  ['integers beyond 2^53', header(['id', 'l', uint(8, 9_007_199_254_740_993n)], ['least', 'l', uint(8, -(2n ** 63n))])],
  ['a name that is not UTF-8', header([LATIN, 'S', sized('value')], [Buffer.alloc(255, 0xff), 't', uint(1, 1)])],
  ['text that is not UTF-8', header(['latin', 'S', sized(LATIN)], ['empty', 'S', sized('')])],
  ['names that JavaScript knows', header(['__proto__', 'F', table([['polluted', 't', uint(1, 1)]])], ['constructor', 'S', sized('c')], ['toString', 'V', Buffer.alloc(0)])],
  ['200 levels', header(['deep', 'F', nested(200)])],
  ['a table of 64 KiB', header(['large', 'F', table(Array.from({ length: 64 }, (_, n): RawHeader => [`n${n}`, 'S', sized('v'.repeat(1010))]))])],
  ['objects that look like a type of amqplib', header(['odd', 'F', table([['!', 'S', sized('int8')], ['value', 'I', uint(4, 4711)]])])],
];

/** What is certain to have been changed: always persistent, and never refused or expired on the way. */
const CHANGED: readonly string[] = ['headers', 'deliveryMode', 'userId', 'expiration'];

function bytesOf(properties: ReceivedProperties, name: string): string | undefined {
  const property = PROPERTIES.find((one) => one.name === name);
  const part = property && properties.part(property);
  return part && properties.bytes.toString('latin1', part.start, part.end);
}

/** RabbitMQ itself sorts the headers of what it moves up or down the ladder of delays. */
function sorted(entries: Buffer[]): string[] {
  return entries.map((bytes) => bytes.toString('latin1')).sort();
}

describe.concurrent('properties of other senders', () => {
  it.each(CASES)('%s: the same bytes after retries, delays, a dead letter and its replay', async (_title, sent) => {
    const broker = sharedRabbitMqUrl();
    const config = oneWorker(broker, 'foreign');
    const [{ queue }] = config.workers;
    const { app, service } = await startOn(config, { providers: [Tasks] });
    const deaths = new Arrivals<DispatcherEvent>();
    const problems = new Arrivals<DispatcherEvent>();
    service.events().subscribe((event) => {
      if (event.type === 'task.dead-lettered') deaths.add(event);
      if (event.type === 'worker.problem' || event.type === 'broker.connection-lost') problems.add(event);
    });
    const properties = rawProperties(sent);
    await publishRaw(broker, queue, properties, BODY);
    await deaths.count(1);
    const [letter] = (await service.deadLetters.list(queue)).letters;
    expect(await service.deadLetters.replay(queue, letter?.id ?? '')).toBe(true);
    await deaths.count(2);
    const dead = await takeRaw(broker, `${queue}.dead`);
    const original = ReceivedProperties.read(properties) as ReceivedProperties;
    expect(sorted(sendersEntries(dead.properties))).toEqual(sorted(sendersEntries(original)));
    for (const { name } of PROPERTIES) if (!CHANGED.includes(name)) expect([name, bytesOf(dead.properties, name)]).toEqual([name, bytesOf(original, name)]);
    expect(dead.body).toEqual(BODY);
    const headers = dead.properties.viewAll()['headers'] as Record<string, unknown>;
    expect(headers).toMatchObject({ 'x-dispatcher-dead-reason': 'failed', 'x-dispatcher-replays': 1 });
    expect(headers['x-dispatcher-origin-user-id']).toBe(sent.userId?.toString());
    expect(headers['x-dispatcher-origin-expiration']).toBe(sent.expiration?.toString());
    expect(app.get(Tasks).ran.all.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 1, 2, 3]);
    expect(problems.all).toEqual([]);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});
