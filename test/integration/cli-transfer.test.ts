import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ConfirmChannel } from 'amqplib';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { runCliHere as runCli } from '../support/cli.js';
import { everyBroker, embeddedFolder, oneWorker, startOn } from '../support/nest-on-broker.js';
import { sharedRabbitMqUrl, withChannel } from '../support/shared-rabbitmq.js';
import { hasRedis, sharedRedisUrl } from '../support/shared-redis.js';
import { removeFolder, temporaryFolder } from '../support/temporary-folder.js';

/** Each call is a process that starts, loads and connects. */
vi.setConfig({ testTimeout: 240_000 });

const folderOf = (): string => {
  const folder = temporaryFolder('cli-transfer');
  onTestFinished(() => removeFolder(folder));
  return folder;
};

async function stage(url: string) {
  const config = oneWorker(url, 'cli-transfer');
  const { service } = await startOn({ ...config, role: 'publisher' });
  return { service, queue: config.workers[0].queue, place: { broker: url, exchange: config.exchange, cwd: folderOf() } };
}

describe.each(everyBroker('cli-transfer'))('export and import on %s', (_name, url) => {
  it('copies, moves, refuses what would mix or repeat, and puts back', async () => {
    const { service, queue, place } = await stage(url());
    for (let i = 0; i < 3; i++) await service.publish('moved', { args: [i, 9007199254740993n], headers: { tenant: 7 } });
    expect((await runCli(['export', queue, '--to-file', 'a.jsonl', '--dry-run', '--json'], place)).json()).toEqual({ queue, dead: false, to: 'a.jsonl', dryRun: true, waiting: 3 });
    expect((await runCli(['export', queue, '--to-file', 'a.jsonl', '--json'], place)).json()).toEqual({ queue, dead: false, to: 'a.jsonl', dryRun: false, copied: 3, alreadyThere: 0, truncated: false });
    expect(await service.depth(queue)).toBe(3);
    const again = await runCli(['export', queue, '--to-file', 'a.jsonl', '--move', '--yes'], place);
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('--resume') as string });
    expect((await runCli(['export', queue, '--to-file', 'a.jsonl', '--move', '--resume'], place))).toMatchObject({ code: 1, stderr: expect.stringContaining('Add --yes') as string });
    expect((await runCli(['export', queue, '--dead', '--to-file', 'a.jsonl', '--resume'], place)).code).toBe(1);
    expect((await runCli(['export', queue, '--to-file', 'a.jsonl', '--move', '--resume', '--yes', '--json'], place)).json()).toMatchObject({ moved: 3, alreadyThere: 3 });
    expect(await service.depth(queue)).toBe(0);
    const lines = readFileSync(join(place.cwd, 'a.jsonl'), 'utf8').trimEnd().split('\n');
    expect(lines.length).toBe(4);
    expect((await runCli(['import', 'a.jsonl', '--to-queue', `${queue}.none`], place)).code).toBe(1);
    expect((await runCli(['import', 'a.jsonl', '--json'], place)).json()).toMatchObject({ queue, dead: false, imported: 3, before: 0 });
    expect(await service.depth(queue)).toBe(3);
    expect((await runCli(['import', 'a.jsonl', '--resume'], place)).code).toBe(1);
    await runCli(['export', queue, '--to-file', 'b.jsonl'], place);
    expect(readFileSync(join(place.cwd, 'b.jsonl'), 'utf8').trimEnd().split('\n').slice(1)).toEqual(lines.slice(1));
  });

  it('is used rightly, or ends with 1 or 2', async () => {
    const { queue, place } = await stage(url());
    expect((await runCli(['export', queue], place)).code).toBe(2);
    expect((await runCli(['export', `${queue}.none`, '--to-file', 'c.jsonl'], place)).code).toBe(1);
    expect((await runCli(['import', 'none.jsonl'], place)).code).toBe(1);
    expect((await runCli(['export', queue, '--to-broker', place.broker], place)).code).toBe(2);
  });
});

describe('export and import', () => {
  it('change nothing of what RabbitMQ carries, whoever made it', async () => {
    const { queue, place } = await stage(sharedRabbitMqUrl());
    const sent = {
      contentType: 'text/x', contentEncoding: 'none', priority: 3, correlationId: 'c', replyTo: 'r', messageId: 'm', timestamp: 1_700_000_000, type: 't', appId: 'a',
      headers: { int: 5, float: 1.5, long: { '!': 'int64', value: 7 }, text: 'ä', list: [1, 'two', { deep: true }], table: { inner: null }, time: { '!': 'timestamp', value: 1_700_000_000 } },
    };
    const body = Buffer.from([0, 255, 254, 10, 13]);
    await withChannel(place.broker, async (channel) => {
      channel.sendToQueue(queue, body, { ...sent, persistent: true });
      await channel.waitForConfirms();
    });
    const before = await withChannel(place.broker, (channel) => first(channel, queue, true));
    expect((await runCli(['export', queue, '--to-file', 'x.jsonl', '--move', '--yes'], place)).code).toBe(0);
    expect((await runCli(['import', 'x.jsonl'], place)).code).toBe(0);
    const after = await withChannel(place.broker, (channel) => first(channel, queue, false));
    expect(after).toEqual(before);
    expect(after.content).toEqual(body);
  });

  it('move tasks and dead letters from a folder to RabbitMQ', async () => {
    const from = await stage(embeddedFolder('cli-from'));
    const to = await stage(sharedRabbitMqUrl());
    for (let i = 0; i < 5; i++) await from.service.publish('moved', { args: [i], headers: { tenant: 7 } });
    const env = { DISPATCHER_TO_BROKER: to.place.broker };
    const target = ['--to-exchange', to.place.exchange, '--to-queue', to.queue];
    expect((await runCli(['export', from.queue, ...target, '--json'], { ...from.place, env })).json()).toMatchObject({ to: 'broker', copied: 5 });
    expect((await runCli(['export', from.queue, ...target, '--move', '--yes', '--json'], { ...from.place, env })).json()).toMatchObject({ moved: 5 });
    expect(await from.service.depth(from.queue)).toBe(0);
    expect(await to.service.depth(to.queue)).toBe(10);
    expect((await runCli(['export', from.queue, '--to-exchange', to.place.exchange, '--to-queue', 'none'], { ...from.place, env })).code).toBe(1);
    expect((await runCli(['export', from.queue, '--dead', ...target, '--move', '--yes', '--json'], { ...from.place, env })).json()).toMatchObject({ dead: true, moved: 0 });
  });

  it.skipIf(!hasRedis())('move from RabbitMQ to Redis and back, and are the same', async () => {
    const rabbit = await stage(sharedRabbitMqUrl());
    const redis = await stage(sharedRedisUrl());
    const body = Buffer.from([0, 255, 254, 10, 13]);
    const headers = { int: 5, float: 1.5, text: 'ä', list: [1, 'two', { deep: true }], table: { inner: null } };
    await withChannel(rabbit.place.broker, async (channel) => {
      for (let i = 0; i < 20; i++) channel.sendToQueue(rabbit.queue, body, { headers: { ...headers, i }, priority: 3, correlationId: 'c', messageId: `m${i}`, timestamp: 1_700_000_000, appId: 'a', persistent: true });
      await channel.waitForConfirms();
    });
    const before = await withChannel(rabbit.place.broker, (channel) => first(channel, rabbit.queue, true));
    for (const [from, to] of [[rabbit, redis], [redis, rabbit]] as const) {
      const env = { DISPATCHER_TO_BROKER: to.place.broker };
      const moved = await runCli(['export', from.queue, '--to-exchange', to.place.exchange, '--to-queue', to.queue, '--move', '--yes', '--json'], { ...from.place, env });
      expect(moved.json()).toMatchObject({ to: 'broker', moved: 20 });
      expect([await from.service.depth(from.queue), await to.service.depth(to.queue)]).toEqual([0, 20]);
    }
    expect(await withChannel(rabbit.place.broker, (channel) => first(channel, rabbit.queue, false))).toEqual(before);
  });
});

/** What a consumer would get, without what differs from one delivery to the next. */
async function first(channel: ConfirmChannel, queue: string, back: boolean): Promise<{ content: Buffer; properties: unknown }> {
  const message = await channel.get(queue);
  if (message === false) throw new Error('There is no message.');
  if (back) channel.nack(message, false, true);
  else channel.ack(message);
  return { content: message.content, properties: message.properties };
}
