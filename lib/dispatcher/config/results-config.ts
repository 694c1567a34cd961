import { ConfigurationError } from '../../errors.js';
import { display } from '../../task/argument-types.js';
import { DEFAULT_MAX_RESULT_BYTES } from '../../results/result-codec.js';
import type { StateBackend } from '../../state/state-backend.js';
import type { ResultsOf } from '../../worker/result-keeper.js';
import { checkChoice, checkCount, checkSeconds } from './config-checks.js';
import type { ServerConfig } from './server-config.js';
import { Secret } from '../../urls/secret.js';
import { withAbsoluteFolder } from './working-folder.js';

/** Where results go, checked. */
export interface ResolvedResults {
  /** `replies`: straight to the process that asks. `store`: to the backend of `url`, or without one to the broker's own. */
  readonly by: 'replies' | 'store';
  readonly url?: Secret<string>;
  /** One that the application has made. */
  readonly own?: StateBackend;
  readonly of: ResultsOf;
  readonly expiresInMs: number;
  readonly maxResultBytes: number;
}

const DEFAULT_EXPIRY_SECONDS = 3600;

/** Names the replies of RabbitMQ, where a URL would name a store. */
const REPLIES = 'amqp';

/** @throws ConfigurationError */
export function checkResults({ resultBackend, results, resultsExpireInSeconds, maxResultBytes }: ServerConfig, broker: string, folder: string): ResolvedResults {
  return {
    ...checkBackend(resultBackend, /^amqps?:/i.test(broker), folder),
    of: checkChoice(results, 'results', ['asked', 'all'], 'asked'),
    expiresInMs: 1000 * checkSeconds(resultsExpireInSeconds, 'resultsExpireInSeconds', { fallback: DEFAULT_EXPIRY_SECONDS, positive: true }),
    maxResultBytes: checkCount(maxResultBytes, 'maxResultBytes', { minimum: 1, fallback: DEFAULT_MAX_RESULT_BYTES }),
  };
}

function checkBackend(backend: unknown, onRabbitMq: boolean, folder: string): Pick<ResolvedResults, 'by' | 'url' | 'own'> {
  if (backend === undefined) return { by: onRabbitMq ? 'replies' : 'store' };
  if (backend === REPLIES) {
    if (onRabbitMq) return { by: 'replies' };
    throw new ConfigurationError("resultBackend: 'amqp' means replies over RabbitMQ, and the broker is not RabbitMQ. Leave it out: this broker keeps results itself.",
      { option: 'resultBackend' });
  }
  if (typeof backend === 'string' && backend !== '') return { by: 'store', url: new Secret(withAbsoluteFolder(backend, folder)) };
  if (isBackend(backend)) return { by: 'store', own: backend };
  throw new ConfigurationError(`resultBackend must be 'amqp', a URL such as "redis://localhost:6379/0" or "embedded:", or a StateBackend of your own; found ${display(backend)}.`, { option: 'resultBackend' });
}

const OPERATIONS: readonly (keyof StateBackend)[] = ['connect', 'set', 'get', 'setIfAbsent', 'replaceIfEqual', 'deleteIfEqual', 'delete', 'addMember', 'members', 'watch', 'close'];

function isBackend(backend: unknown): backend is StateBackend {
  return typeof backend === 'object' && backend !== null && OPERATIONS.every((operation) => typeof (backend as Partial<StateBackend>)[operation] === 'function');
}
