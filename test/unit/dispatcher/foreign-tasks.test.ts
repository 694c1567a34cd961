import { Injectable } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import type { ArrivedMessage } from '../../../lib/formats/format.js';
import { celeryFormat } from '../../../lib/formats/celery/celery.js';
import { machineryFormat } from '../../../lib/formats/machinery/machinery.js';
import { InvalidTaskError, RetryLater, Task, type DispatcherEvent, type Format, type ServerConfig } from '../../../lib/index.js';
import { golden } from '../../support/golden.js';
import { startApp, WORKER, type TestApp } from '../../support/nest-app.js';
import { eventually } from '../../support/wait.js';

const calls: unknown[][] = [];

@Injectable()
class Tasks {
  @Task('add') add(...values: bigint[]): bigint { return this.called('add', values, values.reduce((sum, value) => sum + BigInt(value), 0n)); }
  @Task('sum') sum(...values: bigint[]): bigint { return this.called('sum', values, 0n); }
  @Task('fails') fails(text: string): void { this.called('fails', [text], 0n); throw new Error('it failed'); }
  @Task('later') later(): void {
    this.called('later', [], 0n);
    // A verdict, which is no error.
    // eslint-disable-next-line @typescript-eslint/only-throw-error
    if (calls.length < 3) throw new RetryLater(0, { charged: false });
  }
  @Task('on_error') onError(...values: unknown[]): void { this.called('on_error', values, 0n); }
  @Task('gives_object') givesObject(): object { return { a: 1 }; }
  @Task('mail', { kwargs: ['to', 'subject', 'body'] }) mail(...values: unknown[]): void { this.called('mail', values, 0n); }
  @Task('mail.sent') sent(...values: unknown[]): void { this.called('mail.sent', values, 0n); }

  private called<Result>(name: string, values: unknown[], result: Result): Result {
    calls.push([name, ...values]);
    return result;
  }
}

async function start(config: Partial<ServerConfig> = {}): Promise<TestApp & { events: DispatcherEvent[] }> {
  calls.length = 0;
  const started = await startApp({ providers: [Tasks] }, config);
  const events: DispatcherEvent[] = [];
  started.service.events().subscribe((event) => events.push(event));
  return { ...started, events };
}

/** As another system puts it there. */
async function put({ broker }: Pick<TestApp, 'broker'>, { body, properties }: ArrivedMessage): Promise<void> {
  await broker.publish({ body, properties }, { queue: WORKER.queue });
}

const until = (count: number): Promise<unknown> => eventually(() => calls.length, (made) => made >= count, `${count} calls`);
const bodies = ({ broker }: TestApp): string[] => broker.published.map(({ message }) => message.body.toString());
const deadIn = ({ broker }: TestApp): Promise<unknown> => eventually(() => broker.depth(`${WORKER.queue}.dead`), (depth) => (depth ?? 0) > 0, 'a dead letter');
const machinery = (changes: object): ArrivedMessage => {
  const whole = JSON.parse(golden('machinery', 'task-no-args').body.toString()) as object;
  return { body: Buffer.from(JSON.stringify({ ...whole, ...changes })), properties: { contentType: 'application/json' } };
};
const signature = (changes: object): unknown => JSON.parse(machinery({ RoutingKey: '', Headers: null, ...changes }).body.toString());
const celery = (body: unknown, headers: object = {}): ArrivedMessage => ({
  body: Buffer.from(JSON.stringify(body)), properties: { contentType: 'application/json', contentEncoding: 'utf-8', replyTo: 'rpc', correlationId: 'c1', headers: { ...golden('celery', 'group-member-1').properties.headers, id: 'c1', root_id: 'c1', group: null, ...headers } },
});

describe('a worker that expects nothing in particular', () => {
  it('runs what each system sends, from one queue', async () => {
    const started = await start();
    for (const [folder, name] of [['machinery', 'group-member-1'], ['celery', 'group-member-1']]) await put(started, golden(folder!, name!));
    await put(started, { body: Buffer.from('{"id":"p1","task":"add","args":[5,6],"kwargs":{},"retries":0,"eta":null,"expires":null}'), properties: { contentType: 'application/json' } });
    await put(started, { body: Buffer.from('{"specversion":"1.0","id":"e1","source":"/orders","type":"mail.sent","data":{"a":1}}'), properties: { contentType: 'application/cloudevents+json' } });
    await started.service.publish('add', 1n);
    await until(5);
    expect(calls).toEqual(expect.arrayContaining([['add', 1n, 2n], ['add', 1, 2], ['add', 5, 6], ['mail.sent', { a: 1 }], ['add', 1n]]));
    expect(await started.broker.depth(`${WORKER.queue}.dead`)).toBe(0);
  });

  it('carries a chain of machinery on, each step with the result before it', async () => {
    const started = await start({ workers: [{ ...WORKER, bindingKeys: ['key', 'mq'] }] });
    await put(started, golden('machinery', 'chain-first'));
    await until(3);
    expect(calls).toEqual([['add', 1n, 2n], ['add', 3n, 3n], ['add', 4n, 6n]]);
    expect(started.broker.published.map(({ address }) => address).slice(1)).toEqual([{ routingKey: 'mq' }, { routingKey: 'mq' }]);
  });

  it('sends what follows into the queue that it came from, where nothing is bound to the key', async () => {
    const started = await start();
    await put(started, golden('machinery', 'chain-first'));
    await until(3);
    expect(started.broker.published.map(({ address }) => address).slice(1)).toEqual([{ queue: WORKER.queue }, { queue: WORKER.queue }]);
  });

  it('retries as a task of machinery says, and tells those that follow the failure of the last attempt', async () => {
    const started = await start();
    await put(started, machinery({ Name: 'fails', RetryCount: 2, Args: [{ Name: '', Type: 'string', Value: 'x' }], OnError: [signature({ UUID: 'task_e', Name: 'on_error' })] }));
    await until(4);
    expect(calls).toEqual([['fails', 'x'], ['fails', 'x'], ['fails', 'x'], ['on_error', 'it failed']]);
    await deadIn(started);
    const sent = bodies(started).map((body) => /"RetryCount":\d+,"RetryTimeout":\d+/.exec(body)?.[0]);
    expect(sent.slice(0, 3)).toEqual(['"RetryCount":2,"RetryTimeout":0', '"RetryCount":1,"RetryTimeout":1', '"RetryCount":0,"RetryTimeout":2']);
    expect(started.events.flatMap((event) => (event.type === 'task.retrying' ? [event.delayMs] : []))).toEqual([1000, 2000]);
    const [letter] = (await started.service.deadLetters.list(WORKER.queue)).letters;
    expect(letter).toMatchObject({ name: 'fails', reason: 'failed', attempt: 3, args: [{ type: 'string', value: 'x' }] });
  });

  it('does not send what follows twice, nor before the task has ended', async () => {
    const started = await start();
    await put(started, machinery({ Name: 'later', OnSuccess: [signature({ UUID: 'task_s', Name: 'on_error' })] }));
    await until(4);
    expect(calls).toEqual([['later'], ['later'], ['later'], ['on_error']]);
    expect(bodies(started).filter((body) => body.startsWith('{"UUID":"task_s"'))).toHaveLength(1);
  });

  it('makes a dead letter of what follows, where it cannot be said what the handler returned', async () => {
    const started = await start();
    await put(started, machinery({ Name: 'gives_object', OnSuccess: [signature({ UUID: 'task_s', Name: 'sum' })] }));
    await deadIn(started);
    const [letter] = (await started.service.deadLetters.list(WORKER.queue)).letters;
    expect(letter).toMatchObject({ uuid: 'task_s', name: 'sum', reason: 'undelivered' });
    expect(letter?.error).toMatch(/Task "sum", which follows task "gives_object".*was not sent\. It takes what task "gives_object" returned: what is no text/);
    expect(started.events).toEqual(expect.arrayContaining([expect.objectContaining({ type: 'broker.warning' })]));
  });

  it('leaves a chord to others, and does not run half of it', async () => {
    const started = await start({ workers: [{ ...WORKER, unknownTaskGraceSeconds: 0 }] });
    await put(started, golden('machinery', 'chord-member-1'));
    await put(started, golden('celery', 'chord-member-1'));
    await eventually(() => started.broker.depth(`${WORKER.queue}.dead`), (depth) => depth === 2, 'two dead letters');
    const { letters } = await started.service.deadLetters.list(WORKER.queue);
    expect(letters.map(({ reason }) => reason)).toEqual(['unsupported', 'unsupported']);
    expect(letters[0]?.error).toMatch(/UnsupportedTaskError: Task "add" .* was not run: it is a member of a chord.*No other worker of its queue took it within 0 s/);
    expect(calls).toEqual([]);
  });

  it('carries chain, link and errbacks of Celery on', async () => {
    const started = await start();
    await put(started, golden('celery', 'chain-first'));
    await until(3);
    expect(calls).toEqual([['add', 1, 2], ['add', 3, 3], ['add', 6, 4]]);
    calls.length = 0;
    await put(started, celery([['x'], {}, { callbacks: null, errbacks: [{ task: 'on_error', args: ['extra'], kwargs: {}, options: {}, subtask_type: null, immutable: false }], chain: null, chord: null }], { task: 'fails' }));
    await until(2);
    expect(calls).toEqual([['fails', 'x'], ['on_error', 'c1', 'extra']]);
  });

  it('gives arguments by name to the parameters that have it, and refuses others', async () => {
    const started = await start();
    await put(started, celery([['Ada'], { body: 'b', subject: 's' }, {}], { task: 'mail' }));
    await put(started, celery([['Ada'], { body: 'b' }, {}], { task: 'mail.sent' }));
    await until(2);
    expect(calls).toEqual([['mail', 'Ada', 's', 'b'], ['mail.sent', 'Ada', { body: 'b' }]]);
    await put(started, celery([['Ada'], { to: 'Bob', cc: 'x' }, {}], { task: 'mail' }));
    await deadIn(started);
    const [letter] = (await started.service.deadLetters.list(WORKER.queue)).letters;
    expect(letter).toMatchObject({ reason: 'invalid-arguments', issues: ['argument "to": it is given twice, by its name and as number 1', 'argument "cc": there is no parameter of this name (to, subject, body)'] });
  });

  it('runs no task of Celery that has expired, and sends no report of ours to who waits for one of Celery', async () => {
    const started = await start({ results: 'all' });
    await put(started, celery([[], {}, {}], { task: 'mail.sent', expires: '2020-01-01T00:00:00+00:00' }));
    await eventually(() => started.events.filter(({ type }) => type === 'task.expired').length, (count) => count === 1, 'it to expire');
    await put(started, celery([[], {}, {}], { task: 'mail.sent' }));
    await until(1);
    await started.broker.settled.count(2);
    expect(started.broker.published.some(({ address }) => 'queue' in address && address.queue === 'rpc')).toBe(false);
  });

  it('keeps a dead letter in its format: it is read, given other arguments, and replayed', async () => {
    const started = await start();
    await put(started, machinery({ Name: 'fails', GroupUUID: 'group_1', GroupTaskCount: 2, Args: [{ Name: 'a', Type: 'string', Value: 'x' }] }));
    await deadIn(started);
    const [letter] = (await started.service.deadLetters.list(WORKER.queue)).letters;
    await started.service.deadLetters.replay(WORKER.queue, letter!.id, { args: [{ type: 'string', value: 'y' }] });
    await until(2);
    expect(calls).toEqual([['fails', 'x'], ['fails', 'y']]);
    expect(machineryFormat.decode({ body: Buffer.from(bodies(started).find((body) => body.includes('"y"'))!), properties: {} }).arrived?.envelope).toMatchObject({ GroupUUID: 'group_1', GroupTaskCount: 2, Args: [{ Name: 'a' }] });
  });
});

describe('publishing', () => {
  const lastOf = ({ broker }: TestApp): { body: string; contentType?: string; headers?: object } => {
    const { body, properties } = broker.published.at(-1)!.message;
    return { body: body.toString(), contentType: properties.contentType, headers: properties.headers };
  };

  it('is in the format of the task, else of the queue that its key leads to, else of the dispatcher', async () => {
    const started = await start({ format: 'cloudevents', initQueues: [{ name: 'mq', bindingKeys: ['mq'], format: 'machinery' }, { name: 'cq', bindingKeys: ['cq'] }] });
    await started.service.publish('add', 1);
    expect(lastOf(started)).toMatchObject({ contentType: 'application/cloudevents+json' });
    await started.service.publish({ name: 'add', uuid: 'task_1', args: [{ type: 'int64', value: 1n }], routingKey: 'mq' });
    expect(lastOf(started).body).toContain('{"UUID":"task_1","Name":"add","RoutingKey":"mq","ETA":null');
    await started.service.publish({ name: 'add', uuid: 'c1', args: [{ type: 'int', value: 1 }], kwargs: { b: 2 }, routingKey: 'cq', format: 'celery' });
    expect(lastOf(started)).toMatchObject({ body: '[[1], {"b": 2}, {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]', headers: { id: 'c1', task: 'add', retries: 0 } });
    expect(celeryFormat.decode(started.broker.published.at(-1)!.message)).toMatchObject({ hasKwargs: true });
  });

  it('says when and how often, where the format has words for it', async () => {
    const started = await start({ initQueues: [{ name: 'mq', bindingKeys: ['mq'] }] });
    await started.service.publish({ name: 'nobody', routingKey: 'mq', format: 'machinery', eta: new Date('2029-01-02T03:04:05.600Z'), retry: { attempts: 4 } });
    expect(lastOf(started).body).toContain('"ETA":"2029-01-02T03:04:05.6Z"');
    expect(lastOf(started).body).toContain('"RetryCount":3,"RetryTimeout":0');
    await started.service.publish({ name: 'nobody', routingKey: 'mq', format: 'celery', eta: new Date('2029-01-02T03:04:05.600Z') });
    expect(lastOf(started).headers).toMatchObject({ eta: '2029-01-02T03:04:05.600000+00:00' });
  });

  it('goes by the name where the format has no other place for it, and names the format that cannot be seen', async () => {
    const started = await start({ initQueues: [{ name: 'greet', bindingKeys: ['it.greet'] }] });
    await started.service.publish({ name: 'it.greet', args: [{ type: 'json', value: { a: 1 } }], format: 'hutch' });
    expect(started.broker.published.at(-1)).toMatchObject({ address: { routingKey: 'it.greet' }, message: { properties: { headers: { 'x-dispatcher-format': 'hutch' } } } });
    await expect(started.service.publish({ name: 'it.greet', args: [{ type: 'json', value: {} }], format: 'hutch', routingKey: 'key' })).rejects.toThrow(/says the name of a task by its routing key alone/);
    await expect(started.service.publish({ name: 'it.greet', format: 'hutch' })).rejects.toThrow(/has one argument.*and 0 were given/);
  });

  it.each<[string, object, RegExp]>([
    ['a format that there is not', { format: 'machinry' }, /the string "machinry" is no format\. The formats are celery, cloudevents, gofort/],
    ['no name of one', { format: 5 }, /format must be the name of a format/],
    ['arguments by name, where it has none', { kwargs: { a: 1 } }, /the format "gofort" has no arguments by name \(kwargs\)/],
    ['what are no arguments by name', { kwargs: [1] }, /kwargs must be an object/],
    ['a type that it lacks', { format: 'machinery', args: [{ type: 'json', value: {} }] }, /of the type json, which machinery does not have/],
  ])('refuses %s', async (_title, changes, text) => {
    const { service } = await start();
    await expect(service.publish({ name: 'add', ...changes })).rejects.toThrow(text);
    await expect(service.publish({ name: 'add', ...changes })).rejects.toBeInstanceOf(InvalidTaskError);
  });

  it('sends nothing in another format where Go reads', async () => {
    const { service } = await start({ initQueues: [{ name: 'go', bindingKeys: ['go'], wire: 'gofort-strict' }] });
    await expect(service.publish({ name: 'add', routingKey: 'go', format: 'machinery' })).rejects.toThrow(/Go may read what is sent to the routing key "go".*drops in silence what is in the format "machinery"/);
  });

  it('and reading can be in a format of your own', async () => {
    const lines: Format = {
      name: 'lines', contentType: 'text/plain',
      encode: ({ uuid, name, args }) => ({ body: Buffer.from([uuid, name, ...args.map(({ value }) => String(value))].join('\n')), properties: { contentType: 'text/plain', messageId: uuid } }),
      decode: ({ body, properties }) => {
        const [uuid = '', name = '', ...values] = body.toString().split('\n');
        return { uuid, name, args: values.map((value) => ({ type: 'string', value })), headers: properties.headers };
      },
    };
    const started = await start({ formats: [lines], format: 'lines' });
    await started.service.publish('mail.sent', 'a', 'b');
    await until(1);
    expect(calls).toEqual([['mail.sent', 'a', 'b']]);
    expect(lastOf(started)).toMatchObject({ contentType: 'text/plain', headers: { 'x-dispatcher-format': 'lines' } });
  });

  it.each<[string, Partial<ServerConfig>, RegExp]>([
    ['of the dispatcher', { format: 'machinry' }, /format is the string "machinry", which is no format/],
    ['of a queue', { initQueues: [{ name: 'q', format: 'nobody' }] }, /The format of the queue "q" is the string "nobody"/],
    ['of a worker and another of its queue', { initQueues: [{ name: WORKER.queue, format: 'celery' }], workers: [{ ...WORKER, format: 'machinery' }] }, /The queue "queue_1" cannot have two formats/],
    ['that is no list', { formats: {} as never }, /formats must be a list of formats/],
  ])('is refused at the start with a format %s that cannot be', async (_title, config, text) => {
    await expect(start(config)).rejects.toThrow(text);
  });
});
