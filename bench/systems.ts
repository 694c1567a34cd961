import { join } from 'node:path';
import type { Ability, Command, SystemDefinition } from './driver/definition.js';
import { BUILT, COMPILED, SOURCES } from './driver/paths.js';
import { buildC, buildGo, buildGofort, installPeers } from './driver/prepare.js';

const PUBLISHING: readonly Ability[] = ['window', 'one', 'all', 'paced'];
const EVERYTHING: readonly Ability[] = [...PUBLISHING, 'bulk', 'consume', 'noop', 'payload', 'long-tasks', 'quorum'];

function without(...left: Ability[]): readonly Ability[] {
  return EVERYTHING.filter((ability) => !left.includes(ability));
}

function ours(name: string): Command {
  return [process.execPath, join(COMPILED, 'system', 'program.js'), join(COMPILED, 'systems', `${name}.js`)];
}

function peer(name: string): Command {
  return [process.execPath, join(COMPILED, 'system', 'program.js'), join(SOURCES, 'peers', `${name}.mjs`)];
}

function onNest11(name: string): Command {
  const [node, ...rest] = ours(name);
  return [node, '--require', join(SOURCES, 'peers', 'resolve-nest-11.cjs'), ...rest];
}

/** What everything is compared with. */
export const BASELINE = 'amqplib';
/** The same with `--redis`. */
export const REDIS_BASELINE = 'bullmq';

export const systems: readonly SystemDefinition[] = [
  {
    name: 'dispatcher',
    main: true,
    title: 'Dispatcher',
    server: 'rabbitmq',
    command: ours('dispatcher'),
    abilities: [...EVERYTHING, 'enhancers', 'work', 'telemetry', 'delay', 'retry', 'results', 'chord'],
    differs: 'This library through its Nest module, default settings but for `limit`: confirms, `mandatory`, acknowledgements after the outcome is recorded, dead letters.',
  },
  {
    name: 'dispatcher-interceptor',
    title: 'Dispatcher, one interceptor',
    server: 'rabbitmq',
    command: ours('dispatcher'),
    settings: { enhancer: 'interceptor' },
    abilities: ['enhancers'],
    filledBy: 'amqplib',
    differs: 'An interceptor that passes on stands on the handler.',
  },
  {
    name: 'dispatcher-pipe',
    title: 'Dispatcher, one pipe',
    server: 'rabbitmq',
    command: ours('dispatcher'),
    settings: { enhancer: 'pipe' },
    abilities: ['enhancers'],
    filledBy: 'amqplib',
    differs: 'The handler takes one argument, through a pipe that passes on.',
  },
  {
    name: 'dispatcher-both',
    title: 'Dispatcher, one interceptor and one pipe',
    server: 'rabbitmq',
    command: ours('dispatcher'),
    settings: { enhancer: 'both' },
    abilities: ['enhancers'],
    filledBy: 'amqplib',
    differs: 'Both of them.',
  },
  {
    name: 'dispatcher-batches',
    title: 'Dispatcher, batch handlers',
    server: 'rabbitmq',
    command: ours('dispatcher'),
    settings: { calls: 'together' },
    abilities: ['work'],
    filledBy: 'amqplib',
    differs: 'One call of the handler is for up to 100 tasks.',
  },
  {
    name: 'dispatcher-no-sdk',
    title: 'Dispatcher, OpenTelemetry without an SDK',
    server: 'rabbitmq',
    command: ours('dispatcher'),
    settings: { telemetry: 'no-sdk' },
    abilities: ['telemetry'],
    differs: '`DispatcherOpenTelemetryModule` is imported, and no SDK is registered.',
  },
  {
    name: 'dispatcher-spans',
    title: 'Dispatcher, OpenTelemetry with an SDK',
    server: 'rabbitmq',
    command: ours('dispatcher'),
    settings: { telemetry: 'spans' },
    abilities: ['telemetry'],
    differs: 'Each task has its spans, which are made, and dropped instead of exported.',
  },
  {
    name: 'dispatcher-metrics',
    title: 'Dispatcher, metrics for Prometheus',
    server: 'rabbitmq',
    command: ours('dispatcher'),
    settings: { telemetry: 'metrics' },
    abilities: ['telemetry'],
    differs: '`DispatcherPrometheusModule` is imported; nobody scrapes.',
  },
  {
    name: 'dispatcher-nest-11',
    title: 'Dispatcher, on Nest 11',
    server: 'rabbitmq',
    command: onNest11('dispatcher'),
    prepare: installPeers,
    abilities: ['window', 'consume'],
    differs: 'On the version of Nest that the two peers inside Nest are measured with, whose memory is less than that of Nest 12.',
  },
  {
    name: 'dispatcher-memory',
    title: 'Dispatcher, embedded in memory',
    server: 'none',
    command: ours('dispatcher'),
    abilities: ['in-memory'],
    differs: '`embedded:`; publisher and worker in one process, no server.',
  },
  {
    name: 'dispatcher-durable',
    title: 'Dispatcher, embedded and durable',
    server: 'folder',
    command: ours('dispatcher'),
    abilities: ['durable-local'],
    differs: '`embedded:FOLDER`; publisher and worker in one process, no server; what is accepted survives a kill.',
  },
  {
    name: 'dispatcher-redis',
    title: 'Dispatcher, Redis with AOF',
    server: 'redis',
    command: ours('dispatcher'),
    abilities: [...without('quorum'), 'delay', 'retry', 'results', 'chord'],
    differs: 'The same application with `redis:` as its broker, on the very Redis that BullMQ and gocraft/work get: its append-only file is synced every second.',
  },
  {
    name: 'amqplib',
    main: true,
    title: 'raw amqplib',
    server: 'rabbitmq',
    command: ours('amqplib'),
    abilities: [...without('bulk', 'long-tasks'), 'results'],
    differs: 'The floor: no task queue at all. 1,000 confirms in flight, `mandatory` off, prefetch 100 or `limit` where that is more, one acknowledgement for 50 tasks (or after 5 ms).',
  },
  {
    name: 'amqplib-same',
    main: true,
    title: 'raw amqplib, same message',
    server: 'rabbitmq',
    command: ours('amqplib'),
    settings: { mandatory: 'on', messageid: 'on' },
    abilities: ['window', 'one', 'consume', 'paced', 'quorum'],
    differs: 'As above, but its messages are what ours are: `mandatory`, so that an unroutable one would come back, and with a message id, which costs RabbitMQ 3.10 up to a third when it drains a long classic queue.',
  },
  {
    name: 'amqplib-ack1',
    title: 'raw amqplib, single acks',
    server: 'rabbitmq',
    command: ours('amqplib'),
    settings: { ack: 'single' },
    abilities: ['window', 'consume', 'noop', 'payload', 'long-tasks', 'quorum'],
    differs: 'Prefetch equals `limit`, each task acknowledged by itself: what most programs do.',
  },
  {
    name: 'c',
    title: 'C client, librabbitmq',
    server: 'rabbitmq',
    command: [join(BUILT, 'c')],
    prepare: buildC,
    abilities: ['window', 'one', 'consume', 'noop', 'quorum'],
    filledBy: 'amqplib',
    differs: 'The ceiling: one thread, 1,000 confirms in flight, prefetch 100 or `limit`, one acknowledgement for 50 tasks. Finds the name in the body instead of parsing all of it.',
  },
  {
    name: 'golevelup',
    main: true,
    title: '@golevelup/nestjs-rabbitmq',
    server: 'rabbitmq',
    command: peer('golevelup'),
    prepare: installPeers,
    abilities: without('bulk'),
    differs: 'Inside Nest 11; confirms on, `mandatory` off; one handler for each queue, prefetch is `limit`, single acknowledgements.',
  },
  {
    name: 'nest-rmq',
    title: 'Nest RMQ transport',
    server: 'rabbitmq',
    command: peer('nest-rmq'),
    prepare: installPeers,
    abilities: [...without('bulk'), 'results'],
    differs: "Nest 11's own transport by events, or by messages where results are wanted: a client and a microservice for each queue, its own envelope on the wire, acknowledged by the handler.",
  },
  {
    name: 'bullmq',
    title: 'BullMQ, Redis with AOF',
    server: 'redis',
    command: peer('bullmq'),
    prepare: installPeers,
    abilities: [...without('quorum'), 'durable-local', 'delay', 'retry', 'results', 'chord'],
    differs: 'Redis instead of RabbitMQ, its append-only file synced every second; a worker for each queue, concurrency is `limit`; finished jobs are removed.',
  },
  {
    name: 'gofort',
    title: 'gofort/dispatcher (Go), 5 servers',
    server: 'rabbitmq',
    command: [join(BUILT, 'gofort')],
    prepare: buildGofort,
    abilities: ['window', 'one', 'paced', 'consume', 'noop', 'payload'],
    filledBy: 'amqplib',
    differs: 'The original. Each publish awaits its confirm, so "many in flight" is five servers in one process with one goroutine each; acknowledges whatever happened.',
  },
  {
    name: 'machinery',
    title: 'machinery v1 (Go), 5 servers',
    server: 'rabbitmq',
    command: [join(BUILT, 'machinery')],
    prepare: () => buildGo('machinery'),
    abilities: ['window', 'one', 'paced', 'consume', 'noop', 'payload'],
    differs: 'No results kept (null backend). A server keeps a connection for each queue and awaits each confirm, so "many in flight" is five servers with one goroutine each.',
  },
  {
    name: 'gocraft',
    title: 'gocraft/work (Go), Redis with AOF',
    server: 'redis',
    command: [join(BUILT, 'gocraft')],
    prepare: () => buildGo('gocraft'),
    abilities: ['window', 'one', 'paced', 'consume', 'noop', 'payload'],
    differs: 'Redis lists; ten goroutines publish; one pool of five times `limit` for all queues, which it polls.',
  },
];
