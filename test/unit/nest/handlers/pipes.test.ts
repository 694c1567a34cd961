import {
  BadRequestException, Catch, ConflictException, HttpException, Injectable, NotFoundException, ParseIntPipe, Scope, UnprocessableEntityException, UseFilters,
  UseInterceptors, UsePipes, type CallHandler, type ExceptionFilter, type ExecutionContext, type NestInterceptor, type PipeTransform,
} from '@nestjs/common';
import { catchError, throwError, type Observable } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { Arg, GiveUp, InvalidArgumentsError, RetryLater, Task, type DispatcherEvent } from '../../../../lib/index.js';
import { issuesOf } from '../../../../lib/nest/handlers/issues-of.js';
import { HOSTILE_VALUES } from '../../../support/hostile-values.js';
import { startApp } from '../../../support/nest-app.js';

type Dead = Extract<DispatcherEvent, { type: 'task.dead-lettered' }>;

/** Throws what its parameter has it throw: once, or each time. */
class Throws implements PipeTransform {
  constructor(private readonly thrown: () => unknown) {}
  transform(): never { throw this.thrown(); }
}

/** As Nest's ValidationPipe with class-validator throws. */
const VALIDATION = () => new BadRequestException(['email must be an email', 'age must not be less than 18', 'tags.0.name must be a string']);
/** As zod throws, inside the exception of a pipe of one's own that says no more than that it failed. */
const ZOD = () => Object.assign(new Error('[...]'), { name: 'ZodError', issues: [{ path: ['user', 'tags', 0], message: 'Expected string' }, { path: [], message: 'Unrecognized key' }] });

let lookups = 0;
const away = () => new Error(`connect ECONNREFUSED ${++lookups}`);

@Catch()
class Broken implements ExceptionFilter {
  catch(): never { throw new TypeError('response.status is not a function'); }
}

@Catch()
class Rejects implements ExceptionFilter {
  catch(): Promise<never> { return Promise.reject(Object.freeze(new TypeError('frozen'))); }
}

@Catch()
class Later implements ExceptionFilter {
  // A verdict is thrown and is no error.
  // eslint-disable-next-line @typescript-eslint/only-throw-error
  catch(): never { throw new RetryLater(3_600); }
}

@Catch()
class Nothing implements ExceptionFilter {
  catch(error: Error): void { seen.push(error); }
}
const seen: Error[] = [];

class Translates implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(catchError((error: Error) => throwError(() => new Error('translated', { cause: error }))));
  }
}

const RETRY = { retry: { attempts: 3, delaySeconds: 0, jitter: 0 } } as const;

@Injectable()
class Tasks {
  @Task('validated', RETRY) validated(@Arg(0, new Throws(VALIDATION)) _: unknown): void { return; }
  @Task('two', RETRY) @UsePipes(ParseIntPipe) two(@Arg(0) _a: number, @Arg(1) _b: number): void { return; }
  @Task('zod', RETRY) zod(@Arg(0, new Throws(() => new BadRequestException('Validation failed', { cause: ZOD() }))) _: unknown): void { return; }
  @Task('looks-up', RETRY) looksUp(@Arg(0, new Throws(away)) _: unknown): void { return; }
  @Task('not-there', RETRY) notThere(@Arg(0, new Throws(() => new NotFoundException('no such order yet'))) _: unknown): void { return; }
  @Task('handler', RETRY) handler(@Arg(0) _: unknown): void { throw VALIDATION(); }
  @Task('translated', RETRY) @UseInterceptors(Translates) translated(@Arg(0, new Throws(VALIDATION)) _: unknown): void { return; }
  @Task('filtered', RETRY) @UseFilters(Nothing) filtered(@Arg(0, new Throws(VALIDATION)) _: unknown): void { return; }
  @Task('broken-filter', RETRY) @UseFilters(Broken) brokenFilter(@Arg(0, new Throws(VALIDATION)) _: unknown): void { return; }
  @Task('own-refusal', RETRY) ownRefusal(): void { throw new InvalidArgumentsError('no such country', ['country: unknown']); }
  @Task('handler-and-filter') @UseFilters(Broken) handlerAndFilter(): void { throw new RangeError('the handler failed'); }
  @Task('handler-and-rejecting') @UseFilters(Rejects) handlerAndRejecting(): void { throw new RangeError('the handler failed'); }
  @Task('filter-decides') @UseFilters(Later) filterDecides(@Arg(0, new Throws(VALIDATION)) _: unknown): void { return; }
}

@Injectable({ scope: Scope.REQUEST })
class PerTask {
  @Task('per-task', RETRY) perTask(@Arg(0, new Throws(VALIDATION)) _: unknown): void { return; }
}

describe('an argument that a pipe does not take', () => {
  async function died(name: string, ...args: unknown[]) {
    const test = await startApp({ providers: [Tasks, PerTask, Broken, Rejects, Later, Nothing] });
    const events: DispatcherEvent[] = [];
    const dead = new Promise<Dead>((resolve) => {
      test.service.events().subscribe((event) => {
        events.push(event);
        if (event.type === 'task.dead-lettered') resolve(event);
      });
    });
    await test.service.publish(name, ...args);
    return { event: await dead, tries: 1 + events.filter(({ type }) => type === 'task.retrying').length };
  }

  const VALIDATED = ['argument 0: email must be an email', 'argument 0: age must not be less than 18', 'argument 0: tags.0.name must be a string'];

  it.each(['validated', 'filtered', 'per-task', 'broken-filter'])('is a dead letter at once, with all issues: %s', async (name) => {
    const { event, tries } = await died(name, {});
    expect([event.reason, tries]).toEqual(['invalid-arguments', 1]);
    expect((event.error as InvalidArgumentsError).issues).toEqual(VALIDATED);
    expect((event.error as Error).message).toContain(VALIDATED.join('; '));
  });

  it('is named with all others of the task', async () => {
    const { event } = await died('two', 'a', 'b');
    expect((event.error as InvalidArgumentsError).issues).toEqual([
      'argument 0: Validation failed (numeric string is expected)', 'argument 1: Validation failed (numeric string is expected)']);
  });

  it('is said by the cause of what a pipe of one\'s own throws', async () => {
    const { event } = await died('zod', {});
    expect((event.error as InvalidArgumentsError).issues).toEqual(['argument 0: user.tags.0: Expected string', 'argument 0: Unrecognized key']);
  });

  it('is no such argument where the pipe itself has failed, or waits for something', async () => {
    const before = lookups;
    expect(await died('looks-up', 1)).toMatchObject({ event: { reason: 'failed' }, tries: 3 });
    expect(lookups - before).toBe(3);
    expect(await died('not-there', 1)).toMatchObject({ event: { reason: 'failed' }, tries: 3 });
  });

  it('is not what the handler itself throws, or what an interceptor made of it', async () => {
    expect(await died('handler', 1)).toMatchObject({ event: { reason: 'failed', error: { message: 'Bad Request Exception' } }, tries: 3 });
    expect(await died('translated', 1)).toMatchObject({ event: { reason: 'failed', error: { message: 'translated' } }, tries: 3 });
  });

  it('can be said by a handler on purpose', async () => {
    expect(await died('own-refusal')).toMatchObject({ event: { reason: 'invalid-arguments', error: { issues: ['country: unknown'] } }, tries: 1 });
  });

  it('is shown to filters as the pipe threw it, and what they decide counts', async () => {
    seen.length = 0;
    await died('filtered', {});
    expect(seen).toEqual([expect.any(BadRequestException)]);
    const { service } = await startApp({ providers: [Tasks, Later] });
    const retrying = new Promise((resolve) => { service.events().subscribe((event) => { if (event.type === 'task.retrying') resolve(event); }); });
    await service.publish('filter-decides', 1);
    expect(await retrying).toMatchObject({ delayMs: 3_600_000 });
  });
});

describe('an exception filter that breaks', () => {
  async function errorOf(name: string): Promise<Error> {
    const { service } = await startApp({ providers: [Tasks, Broken, Rejects] });
    const dead = new Promise<Dead>((resolve) => { service.events().subscribe((event) => { if (event.type === 'task.dead-lettered') resolve(event); }); });
    await service.publish(name);
    return (await dead).error as Error;
  }

  it('keeps the handler\'s error as its cause', async () => {
    expect(await errorOf('handler-and-filter')).toMatchObject({ name: 'TypeError', message: 'response.status is not a function', cause: { name: 'RangeError', message: 'the handler failed' } });
  });

  it('keeps it also where its own error takes no cause', async () => {
    const error = await errorOf('handler-and-rejecting');
    expect(error.message).toBe('An exception filter threw TypeError: frozen. It was called for what the handler threw: RangeError: the handler failed');
    expect(error).toMatchObject({ code: 'ERR_DISPATCHER_FILTER', cause: { errors: [{ message: 'frozen' }, { message: 'the handler failed' }] } });
  });
});

describe('what a pipe throws', () => {
  const CLASS_VALIDATORS = [{ property: 'user', children: [{ property: 'email', constraints: { isEmail: 'email must be an email', isString: 'email must be a string' }, children: [] }] }];
  it.each<[string, unknown, readonly string[] | undefined]>([
    ['class-validator\'s list, thrown as it is', CLASS_VALIDATORS, ['user.email: email must be an email', 'user.email: email must be a string']],
    ['class-validator\'s list in an exception', new UnprocessableEntityException(CLASS_VALIDATORS), ['user.email: email must be an email', 'user.email: email must be a string']],
    ['zod\'s error', ZOD(), ['user.tags.0: Expected string', 'Unrecognized key']],
    ['an exception with errors', new BadRequestException({ message: 'Validation failed', errors: [{ path: ['a'], message: 'Required' }] }), ['a: Required']],
    ['valibot\'s', Object.assign(new Error('x'), { issues: [{ path: [{ key: 'a' }, { key: 0 }], message: 'bad' }] }), ['a.0: bad']],
    ['joi\'s', Object.assign(new Error('x'), { name: 'ValidationError', details: [{ path: ['a'], message: '"a" is required' }] }), ['a: "a" is required']],
    ['yup\'s', Object.assign(new Error('x'), { name: 'ValidationError', errors: ['a is required'] }), ['a is required']],
    ['an exception with a text', new BadRequestException('no'), ['no']],
    ['status 406', new HttpException('not a number', 406), ['not a number']],
    ['our own class', new InvalidArgumentsError('no', ['a: no']), ['a: no']],
    ['an empty list', [], undefined],
    ['what is not there yet', new NotFoundException(), undefined],
    ['what is in use', new ConflictException(), undefined],
    ['a server\'s failure', new HttpException('away', 503), undefined],
    ['an ODM\'s failure with an object of errors', Object.assign(new Error('x'), { name: 'ValidationError', errors: { a: 1 } }), undefined],
    ['a verdict', new GiveUp('no'), undefined],
    ['an error', new Error('ECONNREFUSED'), undefined],
  ])('tells %s', (_, thrown, issues) => {
    expect(issuesOf(thrown)).toEqual(issues);
  });

  it('is bounded, and never throws', () => {
    const issues = issuesOf(new BadRequestException(Array.from({ length: 5_000 }, (_, n) => `${n} ${'x'.repeat(1_000)}`)));
    expect(issues).toHaveLength(101);
    expect(issues?.at(-1)).toBe('and 4900 more');
    expect(Math.max(...issues?.map(({ length }) => length) ?? [])).toBeLessThan(600);
    for (const make of Object.values(HOSTILE_VALUES)) {
      issuesOf(make());
      issuesOf(new BadRequestException([make(), { path: make(), message: make() }, { property: 'a', constraints: make(), children: [make()] }]));
      issuesOf(Object.assign(new Error('x'), { issues: make() }));
    }
  });
});
