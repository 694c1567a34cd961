import { Injectable, type PipeTransform, ValidationPipe } from '@nestjs/common';
import { IsEmail, Min } from 'class-validator';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Arg, Task, type DispatcherEvent } from '../../lib/index.js';
import { bothBrokers, oneWorker, startOn } from '../support/nest-on-broker.js';
import { emission } from '../support/wait.js';

class Address {
  constructor(readonly street: string, readonly since: Date) {}
}

/** As a caller has it: an instance of its class. */
class Signup {
  readonly address = new Address('x', new Date(0));
  nickname?: string = undefined;
  @IsEmail() readonly email: unknown;
  @Min(18) readonly age: number;
  constructor(email: unknown, age: number) {
    this.email = email;
    this.age = age;
  }
  isAdult(): boolean { return this.age >= 18; }
}

/** Nest's own, with class-validator and class-transformer. What it takes the class from, compilers of tests leave out. */
const TO_SIGNUP = new ValidationPipe({ transform: true, expectedType: Signup });

const ORDER = z.object({ items: z.array(z.object({ count: z.number().int() })) });

class ToOrder implements PipeTransform {
  transform(value: unknown): z.infer<typeof ORDER> { return ORDER.parse(value); }
}

@Injectable()
class Tasks {
  readonly got: unknown[] = [];

  @Task('signup', { result: true, retry: { attempts: 3, delaySeconds: 0 } })
  signup(@Arg(0, TO_SIGNUP) signup: Signup): unknown { return [signup.isAdult(), signup]; }

  @Task('order', { retry: { attempts: 3, delaySeconds: 0 } })
  order(@Arg(0, ToOrder) _order: z.infer<typeof ORDER>): void { return; }

  @Task('fails', { result: true })
  fails(): void { throw new AggregateError([new TypeError('one'), new RangeError('two')], 'all failed', { cause: new Error('the root') }); }
}

describe.each(bothBrokers('invalid-arguments'))('a validated DTO on %s', (_, url) => {
  it('arrives in its JSON form, and is what its pipe makes of it', async () => {
    const { service } = await startOn(oneWorker(url(), 'dto'), { providers: [Tasks] });
    const sent = await service.client(Tasks).signup(new Signup('ada@example.org', 20));
    expect(await sent.result()).toMatchObject([true, { email: 'ada@example.org', age: 20, address: { street: 'x', since: '1970-01-01T00:00:00.000Z' } }]);
  });

  it('that its pipe refuses is a dead letter at once, whose issues are read, and which can be mended', async () => {
    const config = oneWorker(url(), 'dto');
    const { service } = await startOn(config, { providers: [Tasks] });
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
    await service.deadLetters.replay(queue, letter?.id as string, { args: [{ type: 'json', value: new Signup('ada@example.org', 18) }] });
    await expect.poll(() => service.task(sent.uuid).state().then((state) => state?.state), { timeout: 20_000 }).toBe('succeeded');
    expect((await service.deadLetters.list(queue)).letters).toEqual([]);
  });

  it('that zod refuses too', async () => {
    const config = oneWorker(url(), 'zod');
    const { service } = await startOn(config, { providers: [Tasks] });
    const dead = emission(service.events(), ({ type }: DispatcherEvent) => type === 'task.dead-lettered', 'the dead letter');
    await service.publish('order', { items: [{ count: 1 }, { count: 1.5 }] });
    await dead;
    const { letters: [letter] } = await service.deadLetters.list(config.workers[0].queue);
    expect(letter).toMatchObject({ reason: 'invalid-arguments', attempt: 1, issues: ['argument 0: items.1.count: Invalid input: expected int, received number'] });
  });

  it('and what was behind an error is read in dead letter, history and result', async () => {
    const config = oneWorker(url(), 'behind');
    const { service } = await startOn(config, { providers: [Tasks] });
    const sent = await service.client(Tasks).fails();
    const error = await sent.result().catch((caught: unknown) => caught as Error);
    expect((error as Error).cause).toMatchObject({ name: 'AggregateError', message: 'all failed', cause: { message: 'the root' }, errors: [{ name: 'TypeError', message: 'one' }, { name: 'RangeError', message: 'two' }] });
    const { letters: [letter] } = await service.deadLetters.list(config.workers[0].queue);
    const story = 'AggregateError: all failed [TypeError: one; RangeError: two] (caused by Error: the root)';
    expect([letter?.error, letter?.history[0]?.error]).toEqual([story, story]);
    expect(letter?.stack).toContain('caused by: Error: the root');
  });
});
