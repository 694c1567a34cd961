import { ConfigurationError } from '../errors.js';
import type { Broker } from '../brokers/broker.js';
import { parseRedisUrl } from '../redis/redis-url.js';
import type { ReplyQueue } from '../results/replies/reply-queue.js';
import { createResultBackend } from '../state/create-result-backend.js';
import { RedisStore } from '../state/redis/redis-store.js';
import { DEFAULT_RESULT_BACKEND_OPTIONS } from '../state/result-backend-options.js';
import type { StateBackendEvent } from '../state/state-backend.js';
import { CeleryResults } from './celery/celery-results.js';
import { RedisCeleryStore } from './celery/redis-celery-store.js';
import { RpcCeleryStore } from './celery/rpc-celery-store.js';
import type { ForeignResults } from './foreign-results.js';
import { AmqpLink } from './amqp/amqp-link.js';
import { AmqpMachineryStore } from './machinery/amqp-machinery-store.js';
import { KeyedMachineryStore } from './machinery/keyed-machinery-store.js';
import { MongoMachineryStore } from './machinery/mongo-machinery-store.js';
import { MachineryResults } from './machinery/machinery-results.js';
import { SupervisedResultBackend } from '../state/supervised/supervised-result-backend.js';
import { Secret } from '../urls/secret.js';

export interface ForeignResultsSource {
  readonly format: string;
  readonly url: string;
  readonly expiresInMs: number;
}

export interface ForeignResultsSurroundings {
  readonly exchange: string;
  readonly emit: (event: StateBackendEvent) => void;
  readonly broker: Pick<Broker, 'publish'>;
  /** The reply queue of this process; absent where its broker has none. */
  readonly replies?: ReplyQueue | undefined;
}

type Make = (source: ForeignResultsSource, surroundings: ForeignResultsSurroundings) => ForeignResults;

/** The lock of machinery's Redis backend, one for all groups. */
const TRIGGER_MUTEX = 'TriggerChordMutex';

const keyedMachinery = (mutex?: string): Make => ({ url, expiresInMs }, { emit }) => {
  const backend = createResultBackend(url, { bare: 'polled' });
  backend.events.subscribe(emit);
  return new MachineryResults(new KeyedMachineryStore(backend, { expiresInMs, mutex }), warning(emit));
};

const redisMachinery = keyedMachinery(TRIGGER_MUTEX);
const memcacheMachinery = keyedMachinery();

const mongoMachinery: Make = ({ url }, { emit }) => new MachineryResults(new MongoMachineryStore(url), warning(emit));

const amqpMachinery: Make = ({ url, expiresInMs }, { exchange, emit }) => {
  const { warn } = warning(emit);
  const link = new AmqpLink({ url: new Secret(url), name: `dispatcher:${process.pid}:machinery-results`, warn });
  return new MachineryResults(new AmqpMachineryStore(link, { exchange, expiresInMs }), { warn });
};

const redisCelery: Make = ({ url, expiresInMs }, { emit }) => {
  const store = new RedisStore(parseRedisUrl(url), { connectTimeoutMs: DEFAULT_RESULT_BACKEND_OPTIONS.connectTimeoutMs, bare: 'pushed' });
  const backend = new SupervisedResultBackend(store, { bare: 'pushed' });
  backend.events.subscribe(emit);
  return new CeleryResults(new RedisCeleryStore(backend, store, { expiresInMs }), warning(emit));
};

const rpcCelery: Make = (_source, { emit, broker, replies }) => {
  if (replies === undefined) throw new ConfigurationError("foreignResults.celery is rpc:, which needs RabbitMQ as the broker. Name the Redis that keeps Celery's results.", { option: 'foreignResults.celery' });
  const store = new RpcCeleryStore(broker, replies);
  replies.before(({ body, properties }) => store.take(body, properties));
  return new CeleryResults(store, warning(emit));
};

const MAKERS: Readonly<Record<string, Readonly<Record<string, Make>>>> = {
  machinery: {
    redis: redisMachinery, rediss: redisMachinery, 'redis+socket': redisMachinery, 'redis+sentinel': redisMachinery, 'rediss+sentinel': redisMachinery,
    memcache: memcacheMachinery, memcaches: memcacheMachinery, mongodb: mongoMachinery, 'mongodb+srv': mongoMachinery, amqp: amqpMachinery, amqps: amqpMachinery,
  },
  celery: { redis: redisCelery, rediss: redisCelery, 'redis+socket': redisCelery, 'redis+sentinel': redisCelery, 'rediss+sentinel': redisCelery, rpc: rpcCelery },
};

/** Formats whose results can be kept, and how the URLs of their stores begin. */
export function foreignSchemes(format: string): readonly string[] | undefined {
  return Object.hasOwn(MAKERS, format) ? Object.keys(MAKERS[format] as object).map((scheme) => `${scheme}:`) : undefined;
}

/**
 * What keeps states and results of a format as its own system does. Nothing is opened before it is needed.
 *
 * @throws ConfigurationError for a format or URL that there is none for
 */
export function createForeignResults(source: ForeignResultsSource, surroundings: ForeignResultsSurroundings): ForeignResults {
  const { format, url } = source;
  const scheme = /^([a-z][a-z0-9+]*):/.exec(url)?.[1] ?? '';
  const makers = Object.hasOwn(MAKERS, format) ? MAKERS[format] : undefined;
  if (makers === undefined) throw new ConfigurationError(`foreignResults has "${format}", for which there are none; there are for ${Object.keys(MAKERS).join(' and ')}.`, { option: 'foreignResults' });
  const make = Object.hasOwn(makers, scheme) ? makers[scheme] : undefined;
  if (make !== undefined) return make(source, surroundings);
  // The scheme alone: the rest may hold a password.
  throw new ConfigurationError(`foreignResults.${format} is a URL of the form ${scheme === '' ? 'without a scheme' : `"${scheme}:"`}; expected one of ${foreignSchemes(format)?.join(' ')}.`, { option: 'foreignResults', scheme });
}

function warning(emit: (event: StateBackendEvent) => void): { warn: (message: string) => void } {
  return { warn: (message) => emit({ type: 'results.warning', message }) };
}
