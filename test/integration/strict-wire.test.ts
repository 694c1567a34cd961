import { Injectable } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { StrictWireError, Task, type DispatcherEvent } from '../../lib/index.js';
import { bothBrokers, oneWorker, startOn } from '../support/nest-on-broker.js';
import { emission } from '../support/wait.js';

@Injectable()
class Tasks {
  @Task('fails') fails(..._: unknown[]): void { throw new Error('the handler failed'); }
}

describe.each(bothBrokers('strict-wire'))('a strict queue on %s', (_, url) => {
  it('gets no replayed dead letter that harms Go, which stays where it is until it is mended', async () => {
    const config = oneWorker(url(), 'strict');
    const go = `${config.exchange}.go`;
    const { service } = await startOn({ ...config, initQueues: [{ name: go, bindingKeys: ['go'], wire: 'gofort-strict' }] }, { providers: [Tasks] });
    const [{ queue }] = config.workers;
    const dead = emission(service.events(), ({ type }: DispatcherEvent) => type === 'task.dead-lettered', 'the dead letter');
    const { uuid } = await service.publish('fails', { a: 1 });
    await dead;
    await expect(service.deadLetters.replay(queue, uuid, { to: { queue: go } })).rejects.toBeInstanceOf(StrictWireError);
    await expect(service.deadLetters.replay(queue, uuid, { to: { routingKey: 'go' } })).rejects.toBeInstanceOf(StrictWireError);
    expect((await service.deadLetters.list(queue)).letters).toMatchObject([{ uuid, replays: 0 }]);
    await service.deadLetters.replay(queue, uuid, { to: { queue: go }, args: [{ type: 'string', value: '{"a":1}' }] });
    expect((await service.deadLetters.list(queue)).letters).toEqual([]);
    expect(await service.purge(go)).toBe(1);
  });
});
