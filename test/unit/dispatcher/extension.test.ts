import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { chain, DispatcherService, task, Task, type DispatcherExtension, type KeptTask, type TaskOrigin } from '../../../lib/index.js';
import { startApp, startFailure } from '../../support/nest-app.js';
import { Arrivals } from '../../support/wait.js';

const steps = new Arrivals<string>();
const origins: (TaskOrigin | undefined)[] = [];

@Injectable()
class Tasks {
  @Task('add') add(a: number, b: number): number { steps.add('handler'); return a + b; }
}

@Injectable()
class Observer implements OnModuleInit {
  constructor(@Inject(DispatcherService) private readonly dispatcher: DispatcherService) {
    dispatcher.use({ publish: (out, next) => { steps.add('publish first'); origins.push(out.origin); return next(); }, stampPublished: true });
  }

  onModuleInit(): void {
    this.dispatcher.use({
      publish: async (_, next) => { steps.add('publish second'); await next(); },
      run: async (_, next) => { steps.add('run'); return next(); },
    });
  }
}

describe('what is used on a dispatcher', () => {
  it('stands around all that it publishes and runs, outside of the middleware of the configuration', async () => {
    steps.all.length = 0;
    origins.length = 0;
    const { service, broker } = await startApp({ providers: [Tasks, Observer] }, {
      middleware: { publish: [(_, next) => { steps.add('publish configured'); return next(); }], run: [(_, next) => { steps.add('run configured'); return next(); }] },
    });
    await service.publish('add', 1, 2);
    await steps.first((step) => step === 'handler', 'the handler');
    expect(steps.all.sort()).toEqual(['publish first', 'publish second', 'publish configured', 'run', 'run configured', 'handler'].sort());
    expect(steps.all).toHaveLength(6);
    expect(broker.published[0]?.message.properties.headers).toEqual({ 'x-dispatcher-published': expect.any(Number) as number });
    await service.publishMany([{ name: 'add' }]);
    expect(broker.published[1]?.message.properties.headers).toEqual({ 'x-dispatcher-published': expect.any(Number) as number });
    expect(origins).toEqual([undefined, undefined]);
  });

  it('costs nothing where it is not used: a plain task stays as it was', async () => {
    const { service, broker } = await startApp({ providers: [Tasks] });
    await service.publish('add', 1, 2);
    expect(broker.published[0]?.message.properties.headers).toBeUndefined();
  });

  it('may keep what is published, until it is sent; there is one that does', async () => {
    const kept: KeptTask[] = [];
    let keeps = true;
    @Injectable()
    class Keeper {
      constructor(@Inject(DispatcherService) dispatcher: DispatcherService) {
        dispatcher.use({ keep: () => (keeps ? (one) => { kept.push(one); return Promise.resolve(); } : undefined) });
        expect(() => { dispatcher.use({ keep: () => undefined }); }).toThrow('given keep twice');
      }
    }
    const { service, broker } = await startApp({ providers: [Tasks, Keeper] });
    const { uuid } = await service.publish('add', 1, 2);
    await service.publishMany([{ name: 'add', args: [{ type: 'int', value: 1 }, { type: 'int', value: 2 }] }]);
    expect(broker.published).toEqual([]);
    expect(kept).toHaveLength(2);
    expect(kept[0]).toMatchObject({ uuid, name: 'add', routingKey: 'key', args: [{ type: 'int', value: 1 }, { type: 'int', value: 2 }] });
    await service.sendKept(kept[0] as KeptTask);
    keeps = false;
    await service.publish('add', 1, 2);
    expect(broker.published.map(({ message: { properties: { messageId } } }) => messageId)).toEqual([uuid, expect.any(String)]);
  });

  it('has the inbox that a task needs, or the start is refused', async () => {
    class Needs { @Task('needs', { inbox: true }) needs(): void { /* not called */ } }
    expect((await startFailure({ providers: [Needs] })).message).toMatch(/"needs" says inbox: true.*DispatcherOutboxModule/);
  });

  it('is told for which workflow a step is published', async () => {
    origins.length = 0;
    const { service } = await startApp({ providers: [Tasks, Observer] }, { broker: 'embedded:' }, { adjust: (builder) => builder });
    const { uuid } = await service.publish(chain(task('add', 1, 2)));
    expect(origins).toEqual([{ kind: 'workflow', workflow: uuid }]);
  });

  it.each([
    [null, /What use\(\) takes must be an object/], [{ publsh: () => 1 }, /publsh.*publish/], [{ run: 7 }, /^run of use\(\) must be a function; found the number 7/],
    [{ stampPublished: 'yes' }, /^stampPublished of use\(\) must be true or false/],
  ])('is refused where it is %j', async (extension, text) => {
    const { service } = await startApp({});
    expect(() => { service.use(extension as DispatcherExtension); }).toThrow(text);
  });

  it('is refused once the dispatcher has started', async () => {
    const { service } = await startApp({ providers: [Tasks] });
    expect(() => { service.use({ run: (_, next) => next() }); }).toThrow(/^use\(\) came too late: the dispatcher has started/);
  });
});
