import { Injectable } from '@nestjs/common';
import { beforeEach, describe, expect, it } from 'vitest';
import { chain, DispatcherError, type DispatcherService, Task, task } from '../../../lib/index.js';
import { startOn } from '../../support/nest-on-broker.js';

/** As a caller in JavaScript sees it: nothing is checked before it runs. */
type Untyped = any; // eslint-disable-line @typescript-eslint/no-explicit-any

const QUEUE = 'q';
const LETTERS = 3;

@Injectable()
class Tasks {
  @Task('fails') fails(): void { throw new Error('as it should'); }
}

let service: DispatcherService;
let untyped: Untyped;

beforeEach(async () => {
  ({ service } = await startOn({ broker: 'embedded:', exchange: 'e', defaultRoutingKey: 'k', workers: [{ name: 'w', queue: QUEUE, bindingKeys: ['k'] }] }, { providers: [Tasks] }));
  untyped = service;
});

async function withDeadLetters(): Promise<void> {
  for (let i = 0; i < LETTERS; i++) await service.publish('fails', i);
  await service.drain();
}

async function deadLetters(): Promise<number> {
  return (await service.deadLetters.list(QUEUE)).letters.length;
}

async function refusal(call: () => unknown): Promise<DispatcherError> {
  try {
    await call();
  } catch (error) {
    expect(error).toBeInstanceOf(DispatcherError);
    return error as DispatcherError;
  }
  throw new Error('it was not refused');
}

const bulk = ['discardAll', 'replayAll', 'list'] as const;

describe('a filter of dead letters that is none', () => {
  const filters: [string, unknown, RegExp][] = [
    ['a mistyped condition', { nmae: 'x' }, /no option "nmae"\. Did you mean "name"\?/],
    ['a condition without its value', { name: undefined }, /name of filter of \w+ is undefined/],
    ['another type', { name: 5 }, /name of filter of \w+ must be a text.*found the number 5/],
    ['a reason that is none', { reason: 'faild' }, /reason of filter of \w+ must be one of "failed"/],
    ['a date as a text', { diedBefore: '2020-01-01' }, /must be a Date/],
    ['a date that is none', { diedSince: new Date('no') }, /must be a Date/],
    ['a text', 'charge', /takes an object such as .*found the string "charge"/],
    ['a list', [{ name: 'x' }], /found an array/],
    ['null', null, /found null/],
    ['a promise', Promise.resolve({ name: 'x' }), /found an object \(Promise\)/],
    ['a Map', new Map([['name', 'x']]), /found an object \(Map\)/],
    ['an async function', async () => false, /asynchronous function/],
    ['a generator', function* () { yield true; }, /asynchronous function/],
    ['a function that returns a promise', () => Promise.resolve(false), /must answer true or false; .*Promise/],
    ['one whose promise rejects', () => Promise.reject(new Error('unheard')), /must answer true or false/],
    ['a function that answers something else', () => 'yes', /must answer true or false; .*the string "yes"/],
  ];
  it.each(filters)('%s: nothing is removed, replayed or shown', async (_what, filter, text) => {
    await withDeadLetters();
    for (const method of bulk) {
      expect((await refusal(() => untyped.deadLetters[method](QUEUE, { filter }))).message).toMatch(text);
    }
    expect(await deadLetters()).toBe(LETTERS);
  });

  it('and where the options themselves are none', async () => {
    await withDeadLetters();
    for (const method of bulk) {
      for (const options of ['fails', () => true, null, [], { fliter: { name: 'x' } }, { limit: 'all' }, { limit: NaN }, { limit: -1 }]) await refusal(() => untyped.deadLetters[method](QUEUE, options));
    }
    for (const method of ['discardAll', 'replayAll']) {
      for (const options of [{ filter: undefined }, { limit: undefined }]) await refusal(() => untyped.deadLetters[method](QUEUE, options));
    }
    for (const bounds of [undefined, null, {}, 5, { maxCount: null }, { maxCount: '0' }, { maxAgeSeconds: NaN }, { maxcount: 0 }, { maxCount: -1 }]) await refusal(() => untyped.deadLetters.trim(QUEUE, bounds));
    expect(await deadLetters()).toBe(LETTERS);
  });

  it('a function that throws on the way removes nothing further, and the error says what was done', async () => {
    await withDeadLetters();
    let asked = 0;
    const error = await refusal(() => service.deadLetters.discardAll(QUEUE, {
      filter: () => {
        if (asked++ === 1) throw new RangeError('mine');
        return true;
      },
    }));
    expect(error).toMatchObject({ code: 'ERR_DISPATCHER_FILTER', fields: { discarded: 1 }, cause: expect.objectContaining({ message: 'mine' }) });
    expect(error.message).toMatch(/Before it: 1 discarded; nothing further/);
    expect(await deadLetters()).toBe(LETTERS - 1);
  });
});

/** What is called, and what it must say. */
const calls: [string, () => unknown, RegExp][] = [
  ['get without an id', () => untyped.deadLetters.get(QUEUE), /The id of a dead letter must be a text/],
  ['discard without an id', () => untyped.deadLetters.discard(QUEUE), /The id of a dead letter/],
  ['discard of no queue', () => untyped.deadLetters.discard(undefined, 'x'), /work queue's name/],
  ['replay to a misspelt place', () => untyped.deadLetters.replay(QUEUE, 'x', { to: { quue: 'a' } }), /to of replay must be/],
  ['replay with a misspelt option', () => untyped.deadLetters.replay(QUEUE, 'x', { arguments: [] }), /replay has no option "arguments"/],
  ['purge of no queue', () => untyped.purge(), /The queue to purge must be a text/],
  ['purge with a filter', () => untyped.purge(QUEUE, { filter: { name: 'x' } }), /takes nothing more/],
  ['depth of no queue', () => untyped.depth({ queue: QUEUE }), /must be a text/],
  ['drain', () => untyped.drain({ queue: QUEUE }), /drain has no option "queue"\. Did you mean "queues"\?/],
  ['drain with one queue', () => untyped.drain({ queues: QUEUE }), /queues of drain must be a list of texts/],
  ['drain with a text as its time', () => untyped.drain({ timeoutSeconds: '5' }), /timeoutSeconds of drain must be a number/],
  ['cancel with a misspelt option', () => untyped.cancel('u', { expires: 5 }), /Did you mean "expiresInSeconds"\?/],
  ['cancel with a second uuid', () => untyped.cancel('u', 'v'), /cancel takes an object/],
  ['cancel of a set', () => untyped.cancel(new Set(['u'])), /uuid of a task.*found an object \(Set\)/],
  ['pause of what is misspelt', () => untyped.pause({ quue: QUEUE }, { by: 'a', reason: 'b' }), /Did you mean "queue"\?/],
  ['pause of two things', () => untyped.pause({ queue: QUEUE, task: 't' }, { by: 'a', reason: 'b' }), /one of them; found queue and task/],
  ['pause without a reason', () => untyped.pause({ queue: QUEUE }, { by: 'a' }), /pause needs reason/],
  ['pause with a misspelt option', () => untyped.pause({ queue: QUEUE }, { by: 'a', reson: 'b' }), /Did you mean "reason"\?/],
  ['resume of a text', () => untyped.resume(QUEUE), /takes an object such as/],
  ['schedules.add with a misspelt option', () => untyped.schedules.add({ name: 'n', cron: '@daily', task: 't' }, { repalce: true }), /Did you mean "replace"\?/],
  ['schedules.add with a misspelt field', () => untyped.schedules.add({ name: 'n', crn: '@daily', task: 't' }), /Did you mean "cron"\?/],
  ['schedules.remove of nothing', () => untyped.schedules.remove(undefined), /The name of a schedule/],
  ['schedules.pause of nothing', () => untyped.schedules.pause(undefined, { by: 'a', reason: 'b' }), /The name of a schedule/],
  ['schedules.pause without a reason', () => untyped.schedules.pause('n', { by: 'a' }), /schedules.pause needs reason/],
  ['schedules.resume of nothing', () => untyped.schedules.resume({}), /The name of a schedule/],
  ['events', () => untyped.events({ levl: 'warn' }), /Did you mean "level"\?/],
  ['events of no type', () => untyped.events({ type: 5 }), /type of the filter of events/],
  ['listen with nothing', () => untyped.listen(() => 0, null), /options of listen/],
  ['close of a worker', () => untyped.worker('w').close('soon'), /deadline of close/],
  ['close of a worker, not a number', () => untyped.worker('w').close(NaN), /deadline of close/],
  ['setLimit', () => untyped.worker('w').setLimit('5'), /whole number/],
  ['publish with a misspelt field', () => untyped.publish({ name: 't', delySeconds: 5 }), /Did you mean "delaySeconds"\?/],
  ['publish with a result that is no yes or no', () => untyped.publish({ name: 't', result: 'yes' }), /result must be true or false/],
  ['publish with a misspelt retry', () => untyped.publish({ name: 't', retry: { attemps: 5 } }), /Did you mean "attempts"\?/],
  ['publish with a misspelt unique', () => untyped.publish({ name: 't', unique: { scop: 'window' } }), /Did you mean "scope"/],
  ['publish with an asynchronous key', () => untyped.publish({ name: 't', unique: { scope: 'untilStarted', key: async () => 'k' } }), /answers at once/],
  ['publish of a workflow', () => untyped.publish(chain(task('t')), { uid: 'x' }), /Did you mean "uuid"\?/],
  ['a step with a misspelt field', () => chain({ name: 't', rootingKey: 'k' } as Untyped), /Did you mean "routingKey"\?/],
  ['client', () => untyped.client(Tasks, { delay: 5 }), /Did you mean "delaySeconds"\?/],
  ['client with a uuid for all', () => untyped.client(Tasks, { uuid: 'x' }), /no option "uuid"/],
  ['call', () => new Promise((_resolve, reject) => { untyped.call({ name: 't', nme: 1 }).subscribe({ error: reject }); }), /no option "nme"/],
  ['result', async () => (await service.publish({ name: 'fails', result: true })).result({ timeout: 5 } as Untyped), /Did you mean "timeoutSeconds"\?/],
  ['result within a text', async () => (await service.publish({ name: 'fails', result: true })).result({ timeoutSeconds: '5' } as Untyped), /timeoutSeconds of result must be a number/],
  ['task of nothing', () => untyped.task(undefined), /The uuid of the task/],
  ['a result of a workflow', async () => (await service.publish(chain(task('fails')))).result({ seconds: 5 } as Untyped), /result of a workflow has no option "seconds"/],
  ['cancel of a workflow by an object', async () => (await service.publish(chain(task('fails')))).cancel({ reason: 'x' } as Untyped), /reason of a cancellation must be a text/],
  ['createWorker', () => untyped.createWorker({ name: 'v', quue: 'a' }), /Did you mean "queue"\?/],
  ['createWorker with an asynchronous retryIf', () => untyped.createWorker({ name: 'v', queue: 'a' }, { t: { function: () => 0, retry: { attempts: 2, retryIf: async () => false } } }), /retry.retryIf must be a function that answers at once/],
];

describe('a call with options that are none is refused', () => {
  it.each(calls)('%s', async (_what, call, text) => {
    expect((await refusal(call)).message).toMatch(text);
  });

  it('as the outcome of the one task of publishMany that has them', async () => {
    const [bad, good] = await service.publishMany([{ name: 'fails', rtry: {} } as Untyped, { name: 'fails' }]);
    expect(bad).toMatchObject({ accepted: false, error: { message: expect.stringMatching(/Did you mean "retry"\?/) } });
    expect(good?.accepted).toBe(true);
  });

  it('and purges nothing', async () => {
    await service.worker('w').close();
    await service.publish('fails');
    await refusal(() => untyped.purge(QUEUE, 'only these'));
    expect(await service.depth(QUEUE)).toBe(1);
  });
});
