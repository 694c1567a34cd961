import {
  Catch, createParamDecorator, ForbiddenException, Inject, Injectable, ParseIntPipe, Scope, UseFilters, UseGuards, UseInterceptors, UsePipes, Controller,
  Module, type ArgumentsHost, type CallHandler, type CanActivate, type ExceptionFilter, type ExecutionContext, type NestInterceptor, type PipeTransform,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE } from '@nestjs/core';
import { EMPTY, map, of, type Observable } from 'rxjs';
import { describe, expect, it } from 'vitest';
import {
  Arg, Args, currentTask, isDispatcherContext, SucceedEarly, Task, TaskContext, TaskUuid, type DispatcherEvent,
} from '../../../../lib/index.js';
import { startApp, startFailure, type TestApp } from '../../../support/nest-app.js';
import { Arrivals } from '../../../support/wait.js';

/** What handlers and enhancers below did; each test looks only at its own task's entries. */
const trace = new Arrivals<string>();

@Injectable()
class Journal {
  write(line: string): void { trace.add(`${currentTask()?.uuid}: ${line}`); }
}

@Injectable()
class Refuse implements CanActivate {
  canActivate(): boolean { return false; }
}

@Injectable()
class LooksAround implements CanActivate {
  constructor(private readonly journal: Journal) {}
  canActivate(context: ExecutionContext): boolean {
    this.journal.write(`guard ${context.getType<string>()} ${isDispatcherContext(context)} ${context.getClass().name}.${context.getHandler().name}(${context.getArgs().join()})`);
    return true;
  }
}

@Injectable()
class Around implements NestInterceptor {
  constructor(private readonly journal: Journal) {}
  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    this.journal.write('before');
    return next.handle().pipe(map((value) => {
      this.journal.write(`after ${String(value)}`);
      return value;
    }));
  }
}

@Injectable()
class Double implements PipeTransform {
  transform(value: number): number { return value * 2; }
}

@Catch(TypeError)
class Forgive implements ExceptionFilter {
  catch(error: Error, host: ArgumentsHost): string {
    trace.add(`${currentTask()?.uuid}: forgave ${error.message} ${host.getArgs().length}`);
    return 'forgiven';
  }
}

@Catch()
class Rethrow implements ExceptionFilter {
  catch(error: Error): never { throw new Error(`filtered: ${error.message}`, { cause: error }); }
}

@Catch(ForbiddenException)
class Unmoved implements ExceptionFilter {
  catch(): undefined { return undefined; }
}

const WorkerName = createParamDecorator((suffix: string, context: ExecutionContext) => `${currentTask()?.worker}${suffix}${context.getArgs().length}`);

@Injectable()
class Tasks {
  constructor(private readonly journal: Journal) {}

  @Task('guarded') @UseGuards(LooksAround)
  guarded(a: number, b = 5): void { this.journal.write(`ran ${a} ${b} of ${arguments.length}`); }

  @Task('refused') @UseGuards(Refuse)
  refused(): void { this.journal.write('ran'); }

  @Task('intercepted') @UseInterceptors(Around)
  intercepted(): Promise<string> { return Promise.resolve('value'); }

  @Task('empty') @UseInterceptors(Around)
  empty(): Observable<never> { return EMPTY; }

  @Task('observable')
  async observable(): Promise<Observable<number>> { return Promise.resolve(of(1).pipe(map((value) => { this.journal.write('subscribed'); return value; }))); }

  @Task('piped') @UsePipes(Double)
  piped(@Arg(1) b: number, @Arg(0, ParseIntPipe) a: number, @TaskUuid() uuid: string, @TaskContext() context: TaskContext): void {
    this.journal.write(`${a} ${b} ${uuid === currentTask()?.uuid} ${context.name}`);
  }

  @Task('decorated')
  decorated(@TaskContext() context: TaskContext, a: number, @TaskUuid() uuid: string, b: number): void {
    this.journal.write(`${a} ${b} ${context.uuid === uuid} of ${arguments.length}`);
  }

  @Task('decorated-guarded') @UseGuards(LooksAround)
  decoratedGuarded(@TaskContext() context: TaskContext, a: number, @TaskUuid() uuid: string, b: number): void {
    this.journal.write(`${a} ${b} ${context.uuid === uuid} of ${arguments.length}`);
  }

  @Task('all-arguments')
  allArguments(@Args() args: number[], rest = 'untouched'): void { this.journal.write(`${args.join()} ${rest}`); }

  @Task('custom')
  custom(@WorkerName('!') worker: string, a: number): void { this.journal.write(`${worker} ${a}`); }

  @Task('forgiven') @UseFilters(Forgive)
  forgiven(): never { throw new TypeError('oops'); }

  @Task('not-forgiven') @UseFilters(Forgive)
  notForgiven(): never { throw new RangeError('oops'); }

  @Task('rethrown') @UseFilters(Rethrow)
  rethrown(): never { throw new Error('oops'); }

  @Task('early') @UseFilters(Rethrow)
  // eslint-disable-next-line @typescript-eslint/only-throw-error -- a verdict is thrown and is no error
  early(): never { this.journal.write('early'); throw new SucceedEarly(); }

  @Task('unmoved') @UseGuards(Refuse) @UseFilters(Unmoved)
  unmoved(): void { this.journal.write('ran'); }

  @Task('skipped-pipe') @UsePipes(Double)
  skippedPipe(a: number): void { this.journal.write(String(a)); }
}

@Injectable()
@UseGuards(LooksAround)
class GuardedClass {
  constructor(private readonly journal: Journal) {}
  @Task('class-guarded')
  run(): void { this.journal.write('ran'); }
}

@Controller()
class TaskController {
  @Task('controller') @UseGuards(Refuse)
  run(): void { trace.add(`${currentTask()?.uuid}: ran`); }
}

const metadata = { providers: [Tasks, GuardedClass, Journal], controllers: [TaskController] };

/** Publishes, waits for the end of the task, and gives what it traced and its error. */
async function run({ service, broker }: TestApp, name: string, ...args: unknown[]): Promise<{ lines: string[]; error?: Error }> {
  const events = new Arrivals<DispatcherEvent>();
  const subscription = service.events().subscribe(events.add);
  const { uuid } = await service.publish(name, ...args);
  await broker.settled.first((message) => message.properties.messageId === uuid, `the end of ${name}`);
  subscription.unsubscribe();
  const failed = events.all.find((event) => event.type === 'task.failed' && event.task.uuid === uuid) as { error: Error } | undefined;
  return { lines: trace.all.filter((line) => line.startsWith(uuid)).map((line) => line.slice(uuid.length + 2)), error: failed?.error };
}

describe('enhancers of a handler', () => {
  it('lets a guard see the task, and passes the arguments on untouched', async () => {
    const { lines } = await run(await startApp(metadata), 'guarded', 1);
    expect(lines).toEqual(['guard dispatcher true Tasks.guarded(1)', 'ran 1 5 of 1']);
  });

  it.each([['refused', 'Tasks.refused'], ['controller', 'TaskController.run'], ['unmoved', 'Tasks.unmoved']])(
    'makes the refusal of a guard a failure that names both: %s', async (name, origin) => {
      const { lines, error } = await run(await startApp(metadata), name);
      expect(lines).toEqual([]);
      expect(error).toBeInstanceOf(ForbiddenException);
      expect(error?.message).toBe(`The guard Refuse refused the task "${name}" (${origin}).`);
    });

  it('runs the guards of the class', async () => {
    const { lines } = await run(await startApp(metadata), 'class-guarded');
    expect(lines).toEqual([expect.stringMatching(/^guard dispatcher true GuardedClass/), 'ran']);
  });

  it('runs interceptors around it', async () => {
    expect((await run(await startApp(metadata), 'intercepted')).lines).toEqual(['before', 'after value']);
  });

  it('takes an empty Observable for undefined, with and without interceptors', async () => {
    const { lines, error } = await run(await startApp(metadata), 'empty');
    expect({ lines, error }).toEqual({ lines: ['before'], error: undefined });
    expect((await run(await startApp(metadata), 'observable')).lines).toEqual(['subscribed']);
  });

  it('runs pipes on arguments, of the handler first and of the parameter then, but not on context and uuid', async () => {
    expect((await run(await startApp(metadata), 'piped', 4, 3)).lines).toEqual(['8 6 true piped']);
    const { error } = await run(await startApp(metadata), 'piped', 'x', 3);
    expect(error?.message).toMatch(/Validation failed/);
  });

  it.each(['decorated', 'decorated-guarded'])('gives undecorated parameters the arguments in order: %s', async (name) => {
    expect((await run(await startApp(metadata), name, 1, 2)).lines.at(-1)).toBe('1 2 true of 4');
  });

  it('gives @Args the list and leaves the other parameters alone', async () => {
    expect((await run(await startApp(metadata), 'all-arguments', 1, 2)).lines).toEqual(['1,2 untouched']);
  });

  it('serves decorators made with createParamDecorator', async () => {
    expect((await run(await startApp(metadata), 'custom', 7)).lines).toEqual(['worker_1!1 7']);
  });

  it('lets a filter turn a failure into a success, and only where it matches', async () => {
    const forgiven = await run(await startApp(metadata), 'forgiven', 1);
    expect(forgiven).toEqual({ lines: ['forgave oops 1'], error: undefined });
    expect((await run(await startApp(metadata), 'not-forgiven')).error?.message).toBe('oops');
    expect((await run(await startApp(metadata), 'rethrown')).error?.message).toBe('filtered: oops');
  });

  it('keeps verdicts away from filters', async () => {
    expect(await run(await startApp(metadata), 'early')).toEqual({ lines: ['early'], error: undefined });
  });

  it('logs a failure once', async () => {
    const app = await startApp(metadata);
    await run(app, 'not-forgiven');
    expect(app.log.lines.filter(({ message }) => message.includes('oops'))).toHaveLength(1);
  });

  it('warns at the start that a pipe is skipped', async () => {
    const app = await startApp(metadata);
    expect(app.log.of('warn')).toEqual([expect.stringMatching(/Pipes on Tasks\.skippedPipe .* do not run.*@Arg\(0\)/)]);
    expect((await run(app, 'skipped-pipe', 3)).lines).toEqual(['3']);
  });

  it('runs nothing with enhancers "none", except parameter decorators', async () => {
    const app = await startApp(metadata, { enhancers: 'none' });
    expect((await run(app, 'refused')).lines).toEqual(['ran']);
    expect((await run(app, 'piped', '4', 3)).lines).toEqual(['4 3 true piped']);
    expect((await run(app, 'custom', 7)).lines).toEqual(['worker_1!1 7']);
  });
});

describe('global enhancers', () => {
  const globals = {
    ...metadata,
    providers: [
      ...metadata.providers,
      { provide: APP_INTERCEPTOR, useClass: Around }, { provide: APP_PIPE, useClass: Double }, { provide: APP_FILTER, useClass: Rethrow },
    ],
  };
  const guarded = { ...metadata, providers: [...metadata.providers, { provide: APP_GUARD, useClass: Refuse }] };

  it('are left out by default', async () => {
    expect((await run(await startApp(guarded), 'guarded', 1)).error).toBeUndefined();
    const app = await startApp(globals);
    expect((await run(app, 'decorated', 1, 2)).lines).toEqual(['1 2 true of 4']);
    expect((await run(app, 'piped', 4, 3)).lines).toEqual(['8 6 true piped']);
    expect((await run(app, 'not-forgiven')).error?.message).toBe('oops');
  });

  it('take part with enhancers "all", also on a handler that has none of its own', async () => {
    expect((await run(await startApp(guarded, { enhancers: 'all' }), 'decorated', 1, 2)).error?.message).toMatch(/guard Refuse refused/);
    const app = await startApp(globals, { enhancers: 'all' });
    expect((await run(app, 'decorated', 1, 2)).lines).toEqual(['before', '1 2 true of 4', 'after undefined']);
    expect((await run(app, 'piped', 4, 3)).lines).toEqual(['before', '16 12 true piped', 'after undefined']);
    expect((await run(app, 'not-forgiven')).error?.message).toBe('filtered: oops');
  });
});

describe('where an enhancer lives', () => {
  it('refuses a class that Nest did not make for this handler, instead of skipping it', async () => {
    const error = await startFailure({ providers: [Journal, { provide: Tasks, useFactory: (journal: Journal) => new Tasks(journal), inject: [Journal] }] });
    expect(error.message).toMatch(/Tasks\.\w+ \(module RootTestModule\) uses \w+ \(\w+\), but Nest made no instance of it.*write new \w+/);
  });

  it('finds the enhancers of a class that is provided under another token', async () => {
    const app = await startApp({ providers: [Journal, { provide: 'TASKS', useClass: Tasks }] });
    expect((await run(app, 'refused')).error?.message).toMatch(/guard Refuse refused/);
  });

  it('gives each module\'s guard the dependencies of that module', async () => {
    @Injectable()
    class SaysWhere implements CanActivate {
      constructor(@Inject('WHERE') private readonly where: string) {}
      canActivate(): boolean { trace.add(`${currentTask()?.uuid}: ${this.where}`); return true; }
    }
    class Base {
      @UseGuards(SaysWhere)
      work(): void { trace.add(`${currentTask()?.uuid}: ran`); }
    }
    @Injectable()
    class First extends Base {
      @Task('first') @UseGuards(SaysWhere) override work(): void { super.work(); }
    }
    @Injectable()
    class Second extends Base {
      @Task('second') @UseGuards(SaysWhere) override work(): void { super.work(); }
    }
    @Module({ providers: [First, { provide: 'WHERE', useValue: 'in one' }] })
    class OneModule {}
    @Module({ providers: [Second, { provide: 'WHERE', useValue: 'in two' }] })
    class TwoModule {}
    const app = await startApp({ imports: [OneModule, TwoModule] });
    expect((await run(app, 'first')).lines).toEqual(['in one', 'ran']);
    expect((await run(app, 'second')).lines).toEqual(['in two', 'ran']);
  });

  it.each([Scope.REQUEST, Scope.TRANSIENT])('runs a scoped guard (%s) with its dependencies', async (scope) => {
    @Injectable({ scope })
    class Scoped implements CanActivate {
      constructor(private readonly journal: Journal) {}
      canActivate(): boolean { this.journal.write('scoped guard'); return true; }
    }
    @Injectable()
    class Host {
      constructor(private readonly journal: Journal) {}
      @Task('scoped') @UseGuards(Scoped)
      run(): void { this.journal.write('ran'); }
    }
    expect((await run(await startApp({ providers: [Host, Journal] }), 'scoped')).lines).toEqual(['scoped guard', 'ran']);
  });
});
