import type { ClaimStore } from '../../claims/claim-store.js';
import { ConfigurationError } from '../../errors.js';
import { display } from '../../task/argument-types.js';
import { checkChoice, checkCount, checkSeconds, refuseUnknown, requireObject } from './config-checks.js';
import type { ClaimCheckConfig } from './server-config.js';

export interface ResolvedClaims {
  readonly store: ClaimStore;
  readonly minBytes: number;
  readonly timeoutMs: number;
  /** Bodies of tasks that are done are removed. */
  readonly deletes: boolean;
}

const DEFAULT_MIN_BYTES = 256 * 1024;
const DEFAULT_TIMEOUT_SECONDS = 30;
const WHEN_DONE: readonly NonNullable<ClaimCheckConfig['whenDone']>[] = ['keep', 'delete'];
const METHODS: readonly (keyof ClaimStore)[] = ['put', 'get', 'delete', 'sweep'];

/** @throws ConfigurationError */
export function checkClaims(config: ClaimCheckConfig | undefined): ResolvedClaims | undefined {
  if (config === undefined) return undefined;
  requireObject(config, 'claimCheck', "{ store: folderClaims('./claims') }");
  refuseUnknown(config, ['store', 'minBytes', 'whenDone', 'timeoutSeconds'], 'claimCheck');
  const { store, minBytes, whenDone, timeoutSeconds }: ClaimCheckConfig = config;
  if (typeof store !== 'object' || store === null || !METHODS.every((method) => typeof store[method] === 'function')) {
    throw new ConfigurationError(`claimCheck.store must be a ClaimStore, such as folderClaims('./claims'), with ${METHODS.join(', ')}; found ${display(store)}.`, { option: 'claimCheck.store' });
  }
  return {
    store,
    minBytes: checkCount(minBytes, 'claimCheck.minBytes', { minimum: 1, fallback: DEFAULT_MIN_BYTES }),
    timeoutMs: 1000 * checkSeconds(timeoutSeconds, 'claimCheck.timeoutSeconds', { fallback: DEFAULT_TIMEOUT_SECONDS, positive: true }),
    deletes: checkChoice(whenDone, 'claimCheck.whenDone', WHEN_DONE, 'keep') === 'delete',
  };
}
