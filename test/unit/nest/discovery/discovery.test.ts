import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Body, Controller, Inject, Injectable, Module, Scope } from '@nestjs/common';
import { ContextIdFactory, REQUEST } from '@nestjs/core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ConfigurationError, currentTask, Task, TaskContext } from '../../../../lib/index.js';
import { startApp, startFailure, WORKER, type TestApp } from '../../../support/nest-app.js';
import { Arrivals, eventually } from '../../../support/wait.js';

let ran = new Arrivals<string>();
afterEach(() => { ran = new Arrivals<string>(); });

async function run({ service }: TestApp, name: string, ...args: unknown[]): Promise<string> {
  const before = ran.all.length;
  await service.publish(name, ...args);
  return (await ran.count(before + 1)).at(-1) as string;
}

@Injectable()
class Base {
  readonly field = 'field';
  @Task('inherited') inherited(): void { ran.add(`inherited ${this.constructor.name} ${this.field}`); }
  @Task('hidden') hidden(): void { ran.add('hidden'); }
  @Task('overridden') overridden(): void { ran.add('base'); }
}

@Injectable()
class Derived extends Base {
  override hidden(): void { ran.add('override without decorator'); }
  @Task('overridden') override overridden(): void { ran.add('derived'); }
}

@Controller()
class TaskController {
  @Task('in_controller') run(): void { ran.add('controller'); }
}

class ManyNames {
  @Task('one') @Task('two') run(): void { ran.add(`as ${currentTask()?.name}`); }
}

describe('discovery', () => {
  it('finds inherited methods, hides overridden ones, takes decorated overrides', async () => {
    const app = await startApp({ providers: [Derived] });
    expect(await run(app, 'inherited')).toBe('inherited Derived field');
    expect(await run(app, 'overridden')).toBe('derived');
    expect(app.log.of('log').join()).toContain('2 tasks');
  });

  it('finds controllers, values, factories and several names of one method', async () => {
    const app = await startApp({
      controllers: [TaskController],
      providers: [{ provide: 'VALUE', useValue: new ManyNames() }, { provide: 'NOTHING', useValue: null }, { provide: 'BARE', useValue: Object.create(null) },
        { provide: 'DERIVED', useFactory: () => Promise.resolve(new Derived()) }],
    });
    expect(await run(app, 'in_controller')).toBe('controller');
    expect(await run(app, 'one')).toBe('as one');
    expect(await run(app, 'two')).toBe('as two');
    expect(await run(app, 'overridden')).toBe('derived');
  });

  it('calls the method of the instance, so that a test can spy on it', async () => {
    const app = await startApp({ providers: [Derived] });
    vi.spyOn(app.app.get(Derived), 'overridden').mockImplementation(() => { ran.add('spied'); });
    expect(await run(app, 'overridden')).toBe('spied');
  });

  it('merges aliases and factories that give the same instance', async () => {
    const app = await startApp({
      providers: [{ provide: 'FACTORY', useFactory: (derived: Derived) => derived, inject: [Derived] }, { provide: 'ALIAS', useExisting: Derived }, Derived],
    });
    expect(await run(app, 'overridden')).toBe('derived');
  });

  it('refuses two handlers of one name in one worker, and names both with their modules', async () => {
    @Module({ providers: [Derived] })
    class FirstModule {}
    @Module({ providers: [Derived] })
    class SecondModule {}
    const error = await startFailure({ imports: [FirstModule, SecondModule] });
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error.message).toMatch(/"overridden" of worker "worker_1" has two handlers: Derived\.overridden \(module FirstModule\) and Derived\.overridden \(module SecondModule\)/);
  });

  it('refuses parameter decorators that read HTTP requests', async () => {
    @Controller()
    class Mixed {
      @Task('mixed') run(@Body() body: unknown): void { ran.add(String(body)); }
    }
    expect((await startFailure({ controllers: [Mixed] })).message).toMatch(/Parameter 1 of Mixed\.run .*reads HTTP requests.*@Arg\(n\)/);
  });

  it('gives tasks to workers by their lists, by @Task workers, and the rest to those without a list', async () => {
    class Assigned {
      @Task('a') a(): void { ran.add(`a in ${currentTask()?.worker}`); }
      @Task('b', { workers: ['second'] }) b(): void { ran.add(`b in ${currentTask()?.worker}`); }
      @Task('c') c(): void { ran.add(`c in ${currentTask()?.worker}`); }
    }
    const app = await startApp({ providers: [Assigned] }, {
      workers: [{ name: 'first', queue: 'q1', bindingKeys: ['k1'] }, { name: 'second', queue: 'q2', bindingKeys: ['k2'], tasks: ['c'] }],
    });
    expect(app.log.of('log').at(-1)).toContain('first (queue q1, 1 tasks), second (queue q2, 2 tasks)');
    for (const [name, routingKey] of [['a', 'k1'], ['b', 'k2'], ['c', 'k2']] as const) await app.service.publish({ name, routingKey });
    expect((await ran.count(3)).sort()).toEqual(['a in first', 'b in second', 'c in second']);
  });
});

describe('per-task instances', () => {
  @Injectable({ scope: Scope.REQUEST })
  class Request {
    private static count = 0;
    readonly number = ++Request.count;
    constructor(@Inject(REQUEST) readonly context: TaskContext) {}
  }

  @Injectable({ scope: Scope.REQUEST })
  class Explicit {
    calls = 0;
    constructor(private readonly request: Request) {}
    @Task('explicit') run(a: number): void { ran.add(`${++this.calls} ${a} ${this.request.number} ${this.request.context.uuid === currentTask()?.uuid}`); }
  }

  @Injectable()
  class Implicit {
    calls = 0;
    constructor(readonly request: Request) {}
    @Task('implicit') run(@TaskContext() context: TaskContext): void { ran.add(`${++this.calls} ${context === this.request.context}`); }
  }

  @Injectable({ scope: Scope.TRANSIENT })
  class Transient {
    calls = 0;
    @Task('transient') run(): void { ran.add(`${++this.calls}`); }
  }

  it('makes a fresh instance for each task, with the task as REQUEST', async () => {
    const app = await startApp({ providers: [Explicit, Implicit, Transient, Request] });
    const [first, second] = [await run(app, 'explicit', 7), await run(app, 'explicit', 8)];
    expect([first, second]).toEqual([expect.stringMatching(/^1 7 \d+ true$/), expect.stringMatching(/^1 8 \d+ true$/)]);
    expect(first.split(' ')[2]).not.toBe(second.split(' ')[2]);
    for (const name of ['implicit', 'implicit']) expect(await run(app, name)).toBe('1 true');
    for (const name of ['transient', 'transient']) expect(await run(app, name)).toBe('1');
  });

  it('resolves it in the module that hosts it', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Hosted {
      constructor(@Inject('WHERE') private readonly where: string) {}
      @Task('hosted_one', { workers: ['one'] }) one(): void { ran.add(`one ${this.where}`); }
    }
    @Module({ providers: [Hosted, { provide: 'WHERE', useValue: 'first' }] })
    class FirstModule {}
    @Module({ providers: [{ provide: Hosted, useValue: {} }, { provide: 'WHERE', useValue: 'second' }] })
    class SecondModule {}
    const app = await startApp({ imports: [FirstModule, SecondModule] }, { workers: [{ ...WORKER, name: 'one' }] });
    expect(await run(app, 'hosted_one')).toBe('one first');
  });

  it('shares durable providers as the strategy says', async () => {
    @Injectable({ scope: Scope.REQUEST, durable: true })
    class Tenant {
      runs = 0;
      constructor(@Inject(REQUEST) readonly payload: { tenant: string }) {}
      @Task('durable') run(): void { ran.add(`${this.payload.tenant} ${++this.runs}`); }
    }
    const roots = new Map<string, { id: number }>();
    ContextIdFactory.apply({
      attach(contextId, request: TaskContext) {
        const tenant = request.headers['tenant'] as string;
        const root = roots.get(tenant) ?? ContextIdFactory.create();
        roots.set(tenant, root);
        return { resolve: (info) => (info.isTreeDurable ? root : contextId), payload: { tenant } };
      },
    });
    try {
      const app = await startApp({ providers: [Tenant] });
      for (const tenant of ['a', 'a', 'b']) await app.service.publish({ name: 'durable', headers: { tenant } });
      expect((await ran.count(3)).sort()).toEqual(['a 1', 'a 2', 'b 1']);
    } finally {
      ContextIdFactory.apply({ attach: (contextId) => () => contextId });
    }
  });

  it('makes a failing constructor the failure of the task', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Broken {
      constructor() { throw new Error('no luck'); }
      @Task('broken') run(): void { ran.add('ran'); }
    }
    const app = await startApp({ providers: [Broken] });
    await app.service.publish('broken');
    await app.broker.settled.count(1);
    expect(app.log.of('error')).toEqual([expect.stringContaining('no luck')]);
    expect(ran.all).toEqual([]);
  });

  it('lets go of the instances', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const instances: WeakRef<object>[] = [];
    @Injectable({ scope: Scope.REQUEST })
    class Kept {
      constructor() { instances.push(new WeakRef(this)); }
      @Task('kept') run(): void { ran.add('kept'); }
    }
    const app = await startApp({ providers: [Kept] });
    for (let i = 0; i < 20; i++) await run(app, 'kept');
    await app.broker.settled.count(20);
    const alive = (): number => {
      collect();
      return instances.filter((reference) => reference.deref() !== undefined).length;
    };
    // The last ones may be held by the code that has just run them.
    expect(await eventually(alive, (count) => count <= 2, 'the instances to be collected')).toBeLessThanOrEqual(2);
    expect(instances.length).toBeGreaterThanOrEqual(20);
  });
});
