import { BadRequestException, Injectable, type PipeTransform } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { Arg, Task, type DispatcherEvent } from '../../lib/index.js';
import { bothBrokers, oneWorker, startOn } from '../support/nest-on-broker.js';
import { emission } from '../support/wait.js';

class Address {
  constructor(readonly street: string, readonly since: Date) {}
}

/** As a caller has it: validated, an instance of its class. */
class Signup {
  readonly address = new Address('x', new Date(0));
  nickname?: string = undefined;
  constructor(readonly email: unknown, readonly age: number) {}
  isAdult(): boolean { return this.age >= 18; }
}

/** As a ValidationPipe with a DTO: an instance again, or all that is wrong. */
class ToSignup implements PipeTransform {
  transform(value: Signup): Signup {
    const issues = [
      ...typeof value.email === 'string' ? [] : ['email must be an email'],
      ...value.age >= 18 ? [] : ['age must not be less than 18'],
    ];
    if (issues.length > 0) throw new BadRequestException(issues);
    return Object.setPrototypeOf(value, Signup.prototype) as Signup;
  }
}

@Injectable()
class Tasks {
  readonly got: unknown[] = [];

  @Task('signup', { result: true, retry: { attempts: 3, delaySeconds: 0 } })
  signup(@Arg(0, ToSignup) signup: Signup): unknown { return [signup.isAdult(), signup]; }

  @Task('fails', { result: true })
  fails(): void { throw new AggregateError([new TypeError('one'), new RangeError('two')], 'all failed', { cause: new Error('the root') }); }
}

describe.each(bothBrokers('invalid-arguments'))('a validated DTO on %s', (_, url) => {
  it('arrives in its JSON form, and is what its pipe makes of it', async () => {
    const { service } = await startOn(oneWorker(url(), 'dto'), { providers: [Tasks, ToSignup] });
    const sent = await service.client(Tasks).signup(new Signup('a@b.c', 20));
    expect(await sent.result()).toEqual([true, { email: 'a@b.c', age: 20, address: { street: 'x', since: '1970-01-01T00:00:00.000Z' } }]);
  });

  it('that its pipe refuses is a dead letter at once, whose issues are read, and which can be mended', async () => {
    const config = oneWorker(url(), 'dto');
    const { service } = await startOn(config, { providers: [Tasks, ToSignup] });
    const [{ queue }] = config.workers;
    const dead = emission(service.events(), ({ type }: DispatcherEvent) => type === 'task.dead-lettered', 'the dead letter');
    const sent = await service.client(Tasks).signup(new Signup(5, 17));
    await dead;
    const { letters: [letter] } = await service.deadLetters.list(queue);
    expect(letter).toMatchObject({
      name: 'signup', reason: 'invalid-arguments', attempt: 1, issues: ['argument 0: email must be an email', 'argument 0: age must not be less than 18'],
      error: expect.stringContaining('argument 0: email must be an email; argument 0: age must not be less than 18') as string,
    });
    expect(letter?.history).toHaveLength(1);
    await expect(sent.result()).rejects.toMatchObject({ cause: { name: 'InvalidArgumentsError', code: 'ERR_DISPATCHER_INVALID_ARGUMENTS', cause: { name: 'BadRequestException' } } });
    await service.deadLetters.replay(queue, letter?.id as string, { args: [{ type: 'json', value: new Signup('a@b.c', 18) }] });
    await expect.poll(() => service.task(sent.uuid).state().then((state) => state?.state), { timeout: 20_000 }).toBe('succeeded');
    expect((await service.deadLetters.list(queue)).letters).toEqual([]);
  });

  it('and what was behind an error is read in dead letter, history and result', async () => {
    const config = oneWorker(url(), 'behind');
    const { service } = await startOn(config, { providers: [Tasks, ToSignup] });
    const sent = await service.client(Tasks).fails();
    const error = await sent.result().catch((caught: unknown) => caught as Error);
    expect((error as Error).cause).toMatchObject({ name: 'AggregateError', message: 'all failed', cause: { message: 'the root' }, errors: [{ name: 'TypeError', message: 'one' }, { name: 'RangeError', message: 'two' }] });
    const { letters: [letter] } = await service.deadLetters.list(config.workers[0].queue);
    const story = 'AggregateError: all failed [TypeError: one; RangeError: two] (caused by Error: the root)';
    expect([letter?.error, letter?.history[0]?.error]).toEqual([story, story]);
    expect(letter?.stack).toContain('caused by: Error: the root');
  });
});
