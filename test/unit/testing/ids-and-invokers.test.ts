import { Injectable } from '@nestjs/common';
import { validate, version } from 'uuid';
import { describe, expect, it } from 'vitest';
import { InvalidTaskError, Task, TaskUuid, type IdMaker, type Injected, type Invoker } from '../../../lib/index.js';
import { startTested } from './tested-app.js';

const byName: IdMaker = { name: 'by-name', make: ({ name, args }) => (args.length > 1 ? '' : `${name}-${String(args[0]?.value)}`) };
const shouting: Invoker = { name: 'shouting', parameters: (args) => args.map((value) => String(value).toUpperCase()) };

@Injectable()
class Tasks {
  readonly ran: unknown[][] = [];

  @Task('plain') plain(...args: unknown[]): void { this.ran.push(args); }
  @Task('same', { ids: 'arguments' }) same(@TaskUuid() uuid: Injected<string>): void { this.ran.push([uuid]); }
  @Task('own', { ids: 'by-name' }) own(@TaskUuid() uuid: Injected<string>): void { this.ran.push([uuid]); }
  @Task('named', { invoker: 'named', kwargs: ['to', 'subject'] }) named(...args: unknown[]): void { this.ran.push(args); }
  @Task('shouting', { invoker: 'shouting' }) shouting(...args: unknown[]): void { this.ran.push(args); }
}

const OWN = { idMakers: [byName], invokers: [shouting] };
const passingOn = { middleware: { publish: [(_task: unknown, next: () => Promise<unknown>) => next()] } };

describe.each([['', {}], [' through a middleware', passingOn]])('ids and invokers%s', (_title, more) => {
  it('are those of the configuration, of the task, or the publisher\'s own', async () => {
    const { testing, dispatcher } = await startTested({}, { ids: 'uuid-v7', ...OWN, ...more }, [Tasks]);
    expect(version((await dispatcher.publish('plain')).uuid)).toBe(7);
    const [one, again, other] = [await dispatcher.publish('same', 1), await dispatcher.publish('same', 1), await dispatcher.publish('same', 2)];
    expect([validate(one.uuid), one.uuid === again.uuid, one.uuid === other.uuid]).toEqual([true, true, false]);
    expect((await dispatcher.publish('own', 'x')).uuid).toBe('own-x');
    expect((await dispatcher.publish({ name: 'own', uuid: 'mine' })).uuid).toBe('mine');
    const [outcome] = await dispatcher.publishMany([{ name: 'own', args: [{ type: 'int', value: 7 }] }]);
    expect(outcome).toEqual({ accepted: true, uuid: 'own-7' });
    await expect(dispatcher.publish('own', 1, 2)).rejects.toBeInstanceOf(InvalidTaskError);
    await testing.drain();
  });

  it('make the parameters of the call', async () => {
    const { testing, module, dispatcher } = await startTested({}, { ...OWN, ...more }, [Tasks]);
    await dispatcher.publish('named', 'Ada', 'Hi');
    await testing.drain();
    await dispatcher.publish({ name: 'named', format: 'celery', args: [{ type: 'string', value: 'Bob' }], kwargs: { subject: 'Hello' } });
    await testing.drain();
    await dispatcher.publish('shouting', 'a', 'b');
    await testing.drain();
    expect(module.get(Tasks).ran).toEqual([[{ to: 'Ada', subject: 'Hi' }], [{ to: 'Bob', subject: 'Hello' }], ['A', 'B']]);
  });
});
