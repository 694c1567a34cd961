import { propagation, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import * as conventions from '@opentelemetry/semantic-conventions/incubating';
import { Injectable } from '@nestjs/common';
import { afterEach, describe, expect, it } from 'vitest';
import { DispatcherModule, DispatcherService, getDispatcherToken, Task, type TaskHeaders } from '../../../lib/index.js';
import { DispatcherOpenTelemetryModule, type OpenTelemetryOptions } from '../../../lib/opentelemetry/index.js';
import { Name } from '../../../lib/opentelemetry/tracing/attributes.js';
import { GETTER } from '../../../lib/opentelemetry/tracing/carrier.js';
import { formatTraceParent, parseTraceParent } from '../../../lib/opentelemetry/tracing/trace-parent.js';
import { KeptLog, startApp, startFailure, testConfig } from '../../support/nest-app.js';
import { KeptSpans, tree } from '../../support/traces.js';

@Injectable()
class Tasks {
  @Task('add') add(a: number, b: number): number { return a + b; }
}

const module = (options?: OpenTelemetryOptions) => DispatcherOpenTelemetryModule.forRoot(options);

describe('the names', () => {
  it('are those of the semantic conventions', () => {
    const known = new Set(Object.values(conventions));
    expect(Object.values(Name).filter((name) => !known.has(name))).toEqual([]);
  });
});

describe('without an SDK', () => {
  it('nothing stands in the way of a task, and the headers stay as they were', async () => {
    const { service, broker } = await startApp({ providers: [Tasks], imports: [module()] });
    await service.publish('add', 1, 2);
    expect(broker.published[0]?.message.properties.headers).toBeUndefined();
    // The very publisher that there is without the module.
    expect(service['parts'].publishing.publisher).toBe(service['parts'].publishing.plain);
    await broker.settled.count(1);
  });
});

describe('with an SDK', () => {
  let spans: KeptSpans | undefined;
  afterEach(async () => {
    await spans?.unregister();
    spans = undefined;
  });

  it('dispatchers are traced that are wanted, each by its name', async () => {
    spans = new KeptSpans();
    const log = new KeptLog();
    const { app } = await startApp({
      providers: [], imports: [DispatcherModule.forRoot({ name: 'orders', ...testConfig({}, log), workers: [] }), module({ dispatchers: ['orders'] })],
    });
    for (const token of [DispatcherService, getDispatcherToken('orders')]) {
      await expect(app.get<DispatcherService>(token).publish({ name: 'add', routingKey: 'nowhere' })).rejects.toThrow('nothing is bound');
    }
    expect(spans.ended.all.map(({ attributes }) => attributes['dispatcher.name'])).toEqual(['orders']);
  });

  it('switched off makes no spans', async () => {
    spans = new KeptSpans();
    const { service, broker } = await startApp({ providers: [Tasks], imports: [module({ traces: false })] });
    await service.publish('add', 1, 2);
    await broker.settled.count(1);
    expect(spans.ended.all).toEqual([]);
  });

  it('attributes that throw leave the task alone', async () => {
    spans = new KeptSpans();
    const { service } = await startApp({ providers: [Tasks], imports: [module({ attributes: () => { throw new Error('oops'); } })] });
    await service.publish('add', 1, 2);
    await spans.until('process', 1);
    expect(tree(spans.ended.all).sort()).toEqual(['process add < send add', 'send add < -']);
  });

  it('each module beside another would trace twice, and is refused', async () => {
    spans = new KeptSpans();
    expect((await startFailure({ imports: [module(), module({ spanNames: 'task' })] })).message).toMatch(/imported twice for the dispatcher "default"/);
  });
});

describe('what cannot work is refused', () => {
  it.each<[unknown, RegExp]>([
    [{ trace: true }, /knows no option "trace"/], [{ metrics: 1 }, /^metrics .* true or false/], [{ mostNames: 0 }, /^mostNames/], [{ traces: 1 }, /^traces .* true or false; found 1/], [{ spanNames: 'x' }, /^spanNames .*'task'; found "x"/],
    [{ attributes: {} }, /^attributes .* a function/], [{ dispatchers: 'orders' }, /^dispatchers .* list of names/],
  ])('%j', (options, text) => {
    expect(() => module(options as OpenTelemetryOptions)).toThrow(text);
  });

  it('a dispatcher that is not there, and none at all', async () => {
    expect((await startFailure({ imports: [module({ dispatchers: ['mail'] })] })).message).toMatch(/"mail", which this application does not have. It has: default\./);
  });
});

describe('headers of others', () => {
  const read = (headers: TaskHeaders): string | undefined => trace.getSpanContext(new W3CTraceContextPropagator().extract(ROOT_CONTEXT, headers, GETTER))?.spanId;
  const good = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

  it.each<[TaskHeaders, string | undefined]>([
    [{ traceparent: good }, 'b7ad6b7169203331'], [{ traceparent: [good] }, undefined], [{ traceparent: null }, undefined], [{ traceparent: { toString: good } }, undefined],
    [{ traceparent: `${good}-x`.padEnd(20_000, 'x') }, undefined], [{}, undefined], [{ traceparent: good, tracestate: 7 }, 'b7ad6b7169203331'],
  ])('are read where they are a trace context: %j', (headers, expected) => {
    expect(read(headers)).toBe(expected);
    expect(propagation.fields()).toEqual([]);
  });

  it('nothing is inherited from Object.prototype', () => {
    expect(GETTER.get({}, 'toString')).toBeUndefined();
    expect(GETTER.keys({ a: 1 })).toEqual(['a']);
  });

  it.each([good, `${good} `, 'x', '', '00-00000000000000000000000000000000-b7ad6b7169203331-01', 7, undefined])('a context of an attempt is what was written by us: %j', (text) => {
    const parsed = parseTraceParent(text);
    expect(parsed === undefined ? undefined : formatTraceParent(parsed)).toBe(text === good ? good : undefined);
  });
});
