import { Injectable } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HeadersTooLargeError, Task, type DispatcherEvent, type DispatcherService, type ServerConfig } from '../../lib/index.js';
import { startOn } from '../support/nest-on-broker.js';
import { publishRaw, rawProperties, type RawHeader, sized, takeRaw } from '../support/raw-publish.js';
import { type RabbitMqNode, startRabbitMq } from '../support/rabbitmq.js';
import { uniqueName } from '../support/shared-rabbitmq.js';
import { Arrivals } from '../support/wait.js';

class LongError extends Error {
  override readonly name = 'LongError';
  constructor() {
    super('m'.repeat(5_000));
    this.stack = `LongError\n${'    at somewhere (file.ts:1:1)\n'.repeat(1_000)}`;
  }
}

@Injectable()
class Tasks {
  @Task('breaks', { retry: { attempts: 25, delaySeconds: 0, jitter: 0 } })
  breaks(): void { throw new LongError(); }

  @Task('breaks_later', { retry: { attempts: 2, delaySeconds: 0.1, jitter: 0 } })
  breaksLater(): void { throw new Error('broke'); }

  @Task('repeats', { result: true })
  repeats(text: string, times: number): string { return text.repeat(times); }
}

/** From 4.1 on 8192 is the least that the server itself takes. */
const SIZES = process.env.DISPATCHER_TEST_RABBITMQ_ROOT === undefined ? [4096, 8192] : [8192];

describe.each(SIZES)('a server with frame_max = %i', (frameMax) => {
  let node: RabbitMqNode;
  beforeAll(async () => { node = await startRabbitMq({ config: `frame_max = ${frameMax}` }); });
  afterAll(() => node.stop());

  async function start(exchange = uniqueName('frames')): Promise<{ service: DispatcherService; queue: string; deaths: Arrivals<DispatcherEvent>; troubles: Arrivals<DispatcherEvent> }> {
    const queue = `${exchange}.q`;
    const config: ServerConfig = { broker: node.url, exchange, defaultRoutingKey: 'key', workers: [{ name: 'w', queue, bindingKeys: ['key'], limit: 1 }] };
    const { service } = await startOn(config, { providers: [Tasks] });
    const deaths = new Arrivals<DispatcherEvent>();
    const troubles = new Arrivals<DispatcherEvent>();
    service.events().subscribe((event) => {
      if (event.type === 'task.dead-lettered') deaths.add(event);
      if (event.type === 'worker.problem' || event.type === 'broker.connection-lost') troubles.add(event);
    });
    return { service, queue, deaths, troubles };
  }

  it('gets dead letters with long stacks and histories, shortened to fit, with all of the headers of their sender', async () => {
    const { service, queue, deaths, troubles } = await start();
    const headers = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`header-${n}`, 'v'.repeat(60)]));
    await service.publish({ name: 'breaks', headers });
    await deaths.count(1);
    const [letter] = (await service.deadLetters.list(queue)).letters;
    expect(letter).toMatchObject({ reason: 'failed', attempt: 25, headers, error: expect.stringMatching(/^LongError: m{200}/) });
    expect(letter?.history.at(-1)).toMatchObject({ attempt: 25 });
    expect(troubles.all).toEqual([]);
  });

  it('refuses what a publisher puts into headers beyond it, with the limit, and takes all else', async () => {
    const { service, troubles } = await start();
    const large = service.publish({ name: 'repeats', args: [{ type: 'string', value: 'a' }, { type: 'int', value: 1 }], headers: { large: 'x'.repeat(frameMax) } });
    const others = Array.from({ length: 50 }, (_, n) => service.publish('repeats', `t${n}`, 1));
    await expect(large).rejects.toBeInstanceOf(HeadersTooLargeError);
    await expect(large).rejects.toMatchObject({ code: 'ERR_DISPATCHER_HEADERS_TOO_LARGE', fields: { maxBytes: frameMax - 8 } });
    expect(await (await others[49])?.result()).toBe('t49');
    await Promise.all(others);
    expect(troubles.all).toEqual([]);
  });

  it('lets tasks and results pass that are many frames long', async () => {
    const { service, troubles } = await start();
    const text = 'ab'.repeat(5 * frameMax);
    const published = await service.publish('repeats', text, 3);
    expect(await published.result()).toBe(text.repeat(3));
    expect(troubles.all).toEqual([]);
  });

  it.each([['breaks'], ['breaks_later']])('makes a dead letter of "%s" whose headers leave no room for a retry, which says what was left out', async (name) => {
    const { service, queue, deaths } = await start();
    const uuid = 'u-full';
    const rest: RawHeader[] = [['kept', 'S', sized('small')], ['large', 'S', sized('x'.repeat(frameMax - 8 - 14 - 60 - uuid.length))]];
    await publishRaw(node.url, queue, rawProperties({ headers: rest }), Buffer.from(JSON.stringify({ uuid, name, args: null })));
    await deaths.count(1);
    const [letter] = (await service.deadLetters.list(queue)).letters;
    expect(letter).toMatchObject({ uuid, reason: 'failed', headers: { kept: 'small' }, error: expect.stringContaining('cannot be written again') });
    const dead = (await takeRaw(node.url, `${queue}.dead`)).properties.viewAll()['headers'];
    expect(dead).toMatchObject({ 'x-dispatcher-dead-dropped-headers': 'large' });
  });

  it('delivers delayed tasks whose way through the ladder has left more than a frame on them', async () => {
    const { service, troubles } = await start(`${uniqueName('frames')}-${'x'.repeat(170)}`);
    // 63 units: the six lowest levels, each of which leaves its names.
    const published = await service.publish({ name: 'repeats', args: [{ type: 'string', value: 'a' }, { type: 'int', value: 2 }], delaySeconds: 3.13 });
    expect(await published.result()).toBe('aa');
    expect(troubles.all).toEqual([]);
  });
});
