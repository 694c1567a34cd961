import { ConfigurationError } from '../../errors.js';
import { display } from '../../task/argument-types.js';
import type { ResultsOf } from '../../worker/result-keeper.js';
import { checkChoice, checkCount, checkSeconds } from '../config-checks.js';
import type { ServerConfig } from '../server-config.js';

/** Where results go, checked. */
export interface ResolvedResults {
  readonly url: string;
  readonly of: ResultsOf;
  readonly expiresInMs: number;
  readonly maxResultBytes: number;
}

const DEFAULT_EXPIRY_SECONDS = 3600;
const DEFAULT_MAX_RESULT_BYTES = 10 * 1024 * 1024;

/** `undefined` where no result backend is configured. @throws ConfigurationError */
export function checkResults({ resultBackend, results, resultsExpireInSeconds, maxResultBytes }: ServerConfig): ResolvedResults | undefined {
  if (resultBackend === undefined) {
    const orphan = Object.entries({ results, resultsExpireInSeconds, maxResultBytes }).find(([, value]) => value !== undefined);
    if (orphan === undefined) return undefined;
    throw new ConfigurationError(`${orphan[0]} is given, but resultBackend is not. Add one, resultBackend: 'redis://localhost:6379/0', or remove it.`, { option: orphan[0] });
  }
  if (typeof resultBackend !== 'string' || resultBackend === '') {
    throw new ConfigurationError(`resultBackend must be a URL such as "redis://localhost:6379/0" or "embedded:"; found ${display(resultBackend)}.`, { option: 'resultBackend' });
  }
  return {
    url: resultBackend,
    of: checkChoice(results, 'results', ['asked', 'all'], 'asked'),
    expiresInMs: 1000 * checkSeconds(resultsExpireInSeconds, 'resultsExpireInSeconds', { fallback: DEFAULT_EXPIRY_SECONDS, positive: true }),
    maxResultBytes: checkCount(maxResultBytes, 'maxResultBytes', { minimum: 1, fallback: DEFAULT_MAX_RESULT_BYTES }),
  };
}
