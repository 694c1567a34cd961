import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { Injectable } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { chain, chord, DispatcherService, GiveUp, group, RetryLater, type BatchedTask, type ServerConfig, SucceedEarly, task, Task, type DispatcherEvent, type TaskArgument } from '../../lib/index.js';
import { DispatcherOpenTelemetryModule, type OpenTelemetryOptions } from '../../lib/opentelemetry/index.js';
import { bothBrokers, oneWorker, startOn } from '../support/nest-on-broker.js';
import { publishRaw, rawProperties, sized, uint } from '../support/raw-publish.js';
import { sharedRabbitMqUrl } from '../support/shared-rabbitmq.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { KeptSpans, tree } from '../support/traces.js';
import { emission, Signal } from '../support/wait.js';

const ARGS: TaskArgument[] = [{ type: 'int', value: 1 }, { type: 'int', value: 2 }];
const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

@Injectable()
class Tasks {
  readonly baggage: (string | undefined)[] = [];
  failures = 0;
  entered = new Signal();
  leave = new Signal();

  @Task('add') add(a: number, b: number): number {
    this.baggage.push(propagation.getBaggage(context.active())?.getEntry('tenant')?.value);
    trace.getTracer('test').startSpan('inside').end();
    return a + b;
  }

  @Task('flaky', { retry: { attempts: 3, backoff: 'fixed', delaySeconds: 0.05, jitter: 0 } })
  async flaky(): Promise<void> {
    await Promise.resolve();
    if (this.failures-- > 0) throw new RangeError('not yet');
  }

  @Task('slow', { timeoutSeconds: 0.1 }) slow(): Promise<void> { return this.leave.promise; }
  @Task('many', { batch: { size: 2, waitMs: 5_000, by: '0' } }) many([one]: readonly BatchedTask[]): void {
    trace.getTracer('test').startSpan('inside').end();
    one?.fail(new RangeError('not this one'));
  }
  @Task('held') async held(): Promise<void> { this.entered.fire(); await this.leave.promise; }
  /* eslint-disable @typescript-eslint/only-throw-error -- verdicts are thrown */
  @Task('verdict') verdict(which: string): void {
    if (which === 'give-up') throw new GiveUp('no use');
    if (which === 'succeed-early') throw new SucceedEarly(1);
    if (this.failures-- > 0) throw new RetryLater(0.05);
  }
  /* eslint-enable @typescript-eslint/only-throw-error */
  @Task('parent') async parent(): Promise<void> { await this.dispatcher.publish('add', 1, 2); }

  constructor(private readonly dispatcher: DispatcherService) {}
}

let spans: KeptSpans;
beforeEach(() => { spans = new KeptSpans(); });
afterEach(() => spans.unregister());

async function start(broker: string, options: OpenTelemetryOptions = {}, more: Partial<ServerConfig> = {}) {
  const config = { ...oneWorker(broker, 'traces'), ...more };
  const { app, service } = await startOn(config, { imports: [DispatcherOpenTelemetryModule.forRoot(options)], providers: [Tasks] });
  return { service, tasks: app.get(Tasks), queue: config.workers[0]!.queue, exchange: config.exchange };
}

function inSpan<T>(name: string, work: () => Promise<T>): Promise<T> {
  return trace.getTracer('test').startActiveSpan(name, async (span) => {
    try {
      return await work();
    } finally {
      span.end();
    }
  });
}

function next(service: DispatcherService, type: DispatcherEvent['type']): Promise<DispatcherEvent> {
  return emission(service.events(), (event) => event.type === type, type);
}

describe.each(bothBrokers('traces'))('spans on %s', (kind, brokerUrl) => {
  it('go from whoever publishes to the handler and what it does, with the attributes of the conventions, and carry baggage', async () => {
    const { service, tasks, queue, exchange } = await start(brokerUrl(), { attributes: ({ name }) => ({ 'app.task': name }) });
    const baggage = propagation.setBaggage(context.active(), propagation.createBaggage({ tenant: { value: 'acme' } }));
    const { uuid } = await context.with(baggage, () => inSpan('request', () => service.publish('add', 1, 2)));
    const [process] = await spans.until('process', 1);
    expect(tree(await spans.ofTrace(process!.spanContext().traceId))).toEqual(['request < -', 'send add < request', 'process add < send add', 'inside < process add']);
    expect(tasks.baggage).toEqual(['acme']);
    const [send] = spans.of(uuid);
    expect(send).toMatchObject({
      name: `send ${exchange}:key`, kind: SpanKind.PRODUCER, status: { code: SpanStatusCode.UNSET },
      attributes: {
        'messaging.operation.type': 'send', 'messaging.operation.name': 'send', 'messaging.destination.name': `${exchange}:key`, 'messaging.rabbitmq.destination.routing_key': 'key',
        'messaging.message.id': uuid, 'dispatcher.name': 'default', 'dispatcher.task.name': 'add', 'app.task': 'add', 'messaging.system.name': kind === 'amqp' ? 'rabbitmq' : 'dispatcher',
      },
    });
    expect(process).toMatchObject({
      name: `process ${queue}`, kind: SpanKind.CONSUMER, status: { code: SpanStatusCode.UNSET }, links: [],
      attributes: {
        'messaging.operation.type': 'process', 'messaging.destination.name': queue, 'messaging.message.id': uuid, 'dispatcher.worker.name': 'w', 'dispatcher.task.attempt': 1, 'app.task': 'add',
      },
    });
    expect(send!.attributes['server.address']).toBe(kind === 'amqp' ? new URL(sharedRabbitMqUrl()).hostname : undefined);
  });

  it('link an attempt to the one before it, and tell of its retry below it', async () => {
    const { service, tasks } = await start(brokerUrl());
    tasks.failures = 2;
    const { uuid } = await service.publish('flaky');
    await spans.until('process', 3);
    const [send, first, retry, second, again, third] = await spans.until('retry', 2).then(() => spans.of(uuid));
    expect(tree([send!, first!, retry!, second!, again!, third!])).toEqual([
      'send flaky < -', 'process flaky < send flaky', 'retry flaky < process flaky', 'process flaky < send flaky', 'retry flaky < process flaky', 'process flaky < send flaky',
    ]);
    expect([first, second, third].map((span) => span!.links.map((link) => link.context.spanId))).toEqual([[], [first!.spanContext().spanId], [second!.spanContext().spanId]]);
    expect(retry).toMatchObject({ parentSpanContext: { spanId: first!.spanContext().spanId }, attributes: { 'messaging.operation.type': 'settle', 'dispatcher.task.retry_delay_ms': 50 } });
    expect(first).toMatchObject({ status: { code: SpanStatusCode.ERROR, message: 'not yet' }, attributes: { 'error.type': 'RangeError' }, events: [{ name: 'exception' }] });
    expect(third!.status.code).toBe(SpanStatusCode.UNSET);
  });

  it('tell of a dead letter, and link its replay to the attempt that failed', async () => {
    const { service, tasks, queue } = await start(brokerUrl());
    tasks.failures = 99;
    const dead = next(service, 'task.dead-lettered');
    const { uuid } = await service.publish('flaky');
    await dead;
    const [letter] = await spans.until('dead-letter', 1);
    expect(letter!.attributes).toMatchObject({ 'dispatcher.task.dead_reason': 'failed', 'error.type': 'RangeError', 'messaging.operation.type': 'settle' });
    tasks.failures = 0;
    const { letters: [found] } = await service.deadLetters.list(queue);
    await service.deadLetters.replay(queue, found!.id);
    const [, , last, replayed] = await spans.until('process', 4);
    expect(replayed).toMatchObject({ attributes: { 'messaging.message.id': uuid, 'dispatcher.task.replays': 1 }, links: [{ context: { spanId: last!.spanContext().spanId } }] });
    expect(replayed!.spanContext().traceId).toBe(letter!.spanContext().traceId);
  });

  it('of tasks that are handled together are linked to one of the call, which has what it does below it', async () => {
    const { service, queue } = await start(brokerUrl());
    const sent = await inSpan('request', () => Promise.all(['a', 'a'].map((key) => service.publish('many', key))));
    const all = await spans.until('process', 3);
    const call = all.find(({ attributes }) => attributes['messaging.batch.message_count'] === 2)!;
    const members = all.filter((span) => span !== call);
    expect(members.map(({ attributes }) => attributes['messaging.message.id']).sort()).toEqual(sent.map(({ uuid }) => uuid).sort());
    expect(members.map(({ status: { code } }) => code).sort()).toEqual([SpanStatusCode.UNSET, SpanStatusCode.ERROR]);
    expect(call).toMatchObject({ name: `process ${queue}`, kind: SpanKind.CONSUMER, parentSpanContext: undefined, attributes: { 'dispatcher.task.name': 'many', 'dispatcher.batch.key': 'a' } });
    expect(call.links.map((link) => link.context.spanId).sort()).toEqual(members.map((span) => span.spanContext().spanId).sort());
    expect(tree(await spans.ofTrace(call.spanContext().traceId))).toEqual(['process many < -', 'inside < process many']);
  });

  it('end with a timeout, and not with the handler that comes too late', async () => {
    const { service, tasks } = await start(brokerUrl());
    onTestFinished(() => tasks.leave.fire());
    await service.publish('slow');
    const [process] = await spans.until('process', 1);
    expect(process).toMatchObject({ status: { code: SpanStatusCode.ERROR }, attributes: { 'error.type': 'ERR_DISPATCHER_TASK_TIMEOUT' } });
    await spans.until('dead-letter', 1);
    const late = next(service, 'task.ended-late');
    tasks.leave.fire();
    await late;
    expect(spans.ended.all.filter(({ attributes }) => attributes['messaging.operation.name'] === 'process')).toHaveLength(1);
  });

  it('tell verdicts that are no failures from those that are', async () => {
    const { service, tasks } = await start(brokerUrl());
    tasks.failures = 1;
    for (const which of ['succeed-early', 'retry-later', 'give-up']) await service.publish('verdict', which);
    const processed = await spans.until('process', 4);
    expect(processed.map(({ attributes, status }) => [attributes['dispatcher.task.verdict'], status.code]).sort()).toEqual([
      ['give-up', SpanStatusCode.ERROR], ['retry-later', SpanStatusCode.UNSET], ['succeed-early', SpanStatusCode.UNSET], [undefined, SpanStatusCode.UNSET],
    ].sort());
  });

  it('are of one trace for a delayed task, and for what a handler publishes', async () => {
    const { service } = await start(brokerUrl());
    const { uuid } = await service.publish('add', { args: [1, 2], delaySeconds: 0.1 });
    await spans.until('process', 1, 'add');
    expect(tree(spans.of(uuid))).toEqual(['send add < -', 'process add < send add']);
    await service.publish('parent');
    const [, second] = await spans.until('process', 2, 'add');
    expect(tree(await spans.ofTrace(second!.spanContext().traceId))).toEqual([
      'send parent < -', 'process parent < send parent', 'send add < process parent', 'process add < send add', 'inside < process add',
    ]);
  });

  it('of a chain, a group and a chord are one trace: each step follows from the one that caused it', async () => {
    const { service } = await start(brokerUrl(), {}, { resultBackend: undefined });
    const steps = chain(task('add', 1, 2).immutable(), group(task('add', 1), task('add', 2)), task('verdict', 'ok').immutable());
    const { uuid } = await inSpan('request', () => service.publish(steps));
    const [last] = await spans.until('process', 1, 'verdict');
    const found = (await spans.ofTrace(last!.spanContext().traceId)).filter(({ name }) => name !== 'inside');
    expect(tree(found).sort()).toEqual([
      'process add < send add', 'process add < send add', 'process add < send add', 'process verdict < send verdict', 'request < -',
      'send add < process add', 'send add < process add', 'send add < request', 'send verdict < process add',
    ]);
    for (const span of found.slice(1)) expect(span.attributes['messaging.message.conversation_id']).toBe(uuid);
    await inSpan('request', () => service.publish(chord(group(task('add', 3, 4), task('add', 5, 6)), task('verdict', 'ok').immutable())));
    const [, end] = await spans.until('process', 2, 'verdict');
    expect(tree((await spans.ofTrace(end!.spanContext().traceId)).filter(({ name }) => name !== 'inside'))).toHaveLength(7);
  });

  it('of a tick of a schedule begin a trace, whatever was going on when it was added', async () => {
    const { service } = await start(brokerUrl());
    await inSpan('request', () => service.schedules.add({ name: 'beat', task: { name: 'add', args: ARGS }, cron: '* * * * * *' }));
    onTestFinished(() => service.schedules.remove('beat').then(() => undefined, () => undefined));
    const [process] = await spans.until('process', 1, 'add');
    expect(tree(await spans.ofTrace(process!.spanContext().traceId))).toEqual(['send add < -', 'process add < send add', 'inside < process add']);
    expect(process!.attributes['dispatcher.schedule.name']).toBe('beat');
    expect(spans.of(process!.attributes['messaging.message.id'] as string)[0]!.attributes['dispatcher.schedule.name']).toBe('beat');
  });

  it('of a publish that fails say why', async () => {
    const { service } = await start(brokerUrl());
    await expect(service.publish({ name: 'add', routingKey: 'nowhere' })).rejects.toThrow();
    expect((await spans.until('send', 1))[0]).toMatchObject({ status: { code: SpanStatusCode.ERROR }, attributes: { 'error.type': 'ERR_DISPATCHER_UNROUTABLE' } });
  });

  it('keep a trace context that the caller gave, and ignore one that is none', async () => {
    const { service } = await start(brokerUrl(), { spanNames: 'task' });
    await service.publish({ name: 'add', args: ARGS, headers: { traceparent: PARENT } });
    const [given] = await spans.until('process', 1);
    expect(given).toMatchObject({ name: 'process add', parentSpanContext: { spanId: 'b7ad6b7169203331', isRemote: true } });
    expect((await spans.until('send', 1))[0]!.links).toMatchObject([{ context: { spanId: 'b7ad6b7169203331' } }]);
    await service.publish({ name: 'add', args: ARGS, headers: { traceparent: 'nonsense', tracestate: 7, baggage: ['x'] } });
    await spans.until('send', 2);
    expect(tree(await spans.ofTrace((await spans.until('process', 2))[1]!.spanContext().traceId))).toEqual(['send add < -', 'process add < send add', 'inside < process add']);
  });
});

describe('spans of messages of others', () => {
  const body = Buffer.from(JSON.stringify({ uuid: 'from-go', name: 'add', args: ARGS }));

  it('begin a trace without their headers, go on with a traceparent of theirs, and ignore bytes that are none', async () => {
    const { queue } = await start(sharedRabbitMqUrl());
    await publishRaw(sharedRabbitMqUrl(), queue, rawProperties({ contentType: Buffer.from('application/json') }), body);
    expect((await spans.until('process', 1))[0]).toMatchObject({ parentSpanContext: undefined, attributes: { 'messaging.message.id': 'from-go' } });
    await publishRaw(sharedRabbitMqUrl(), queue, rawProperties({ contentType: Buffer.from('application/json'), headers: [['traceparent', 'S', sized(PARENT)]] }), body);
    expect((await spans.until('process', 2))[1]).toMatchObject({ parentSpanContext: { spanId: 'b7ad6b7169203331' } });
    const odd = [['traceparent', 'x', sized(Buffer.from([0, 255]))], ['tracestate', 'I', uint(4, 7)], ['x-dispatcher-attempt-trace', 'S', sized('00-zz')]] as const;
    await publishRaw(sharedRabbitMqUrl(), queue, rawProperties({ contentType: Buffer.from('application/json'), headers: odd }), body);
    expect((await spans.until('process', 3))[2]).toMatchObject({ parentSpanContext: undefined, links: [] });
  });
});

describe('spans of messages of Celery', () => {
  it('go on with the context that its own instrumentation wrote among the headers, where it reads ours too', async () => {
    const { queue, service } = await start(sharedRabbitMqUrl());
    const headers = [['lang', 'S', sized('py')], ['task', 'S', sized('add')], ['id', 'S', sized('from-celery')], ['root_id', 'S', sized('from-celery')], ['traceparent', 'S', sized(PARENT)]] as const;
    await publishRaw(sharedRabbitMqUrl(), queue, rawProperties({ contentType: Buffer.from('application/json'), headers }), Buffer.from('[[1, 2], {}, {}]'));
    expect((await spans.until('process', 1))[0]).toMatchObject({
      parentSpanContext: { spanId: 'b7ad6b7169203331' }, status: { code: SpanStatusCode.UNSET }, attributes: { 'messaging.message.id': 'from-celery', 'dispatcher.task.name': 'add' },
    });
    const { uuid } = await service.publish({ name: 'add', args: ARGS, format: 'celery' });
    await spans.until('process', 2);
    expect(tree(spans.of(uuid))).toEqual(['send add < -', 'process add < send add']);
  });
});

describe('spans while the connection is killed', () => {
  it('end, are there for each run, and are of one trace with those of the delivery that came back', async () => {
    const { proxy, url } = await TcpProxy.before(sharedRabbitMqUrl());
    onTestFinished(() => proxy.close());
    const { service, tasks } = await start(url, {}, { reconnectionIntervalSeconds: 0.1 });
    onTestFinished(() => tasks.leave.fire());
    await service.publish('held');
    await tasks.entered.promise;
    const lost = next(service, 'broker.connection-lost');
    proxy.set('reset');
    await lost;
    const sending = inSpan('request', () => service.publish('add', 1, 2));
    const back = next(service, 'broker.connected');
    proxy.set('pass');
    await back;
    await sending;
    tasks.leave.fire();
    const [added] = await spans.until('process', 1, 'add');
    expect(tree(await spans.ofTrace(added!.spanContext().traceId))).toEqual(['request < -', 'send add < request', 'process add < send add', 'inside < process add']);
    const [held] = await spans.until('process', 1, 'held');
    expect(tree(await spans.ofTrace(held!.spanContext().traceId)).slice(0, 2)).toEqual(['send held < -', 'process held < send held']);
  });
});
