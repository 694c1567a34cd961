import { ConfigurationError } from '../errors.js';
import { createResultBackend } from '../state/create-result-backend.js';
import type { StateBackendEvent } from '../state/state-backend.js';
import type { ForeignResults } from './foreign-results.js';
import { KeyedMachineryStore } from './machinery/keyed-machinery-store.js';
import { MachineryResults } from './machinery/machinery-results.js';

export interface ForeignResultsSource {
  readonly format: string;
  readonly url: string;
  readonly expiresInMs: number;
}

export interface ForeignResultsSurroundings {
  readonly exchange: string;
  readonly emit: (event: StateBackendEvent) => void;
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

const MAKERS: Readonly<Record<string, Readonly<Record<string, Make>>>> = {
  machinery: {
    redis: redisMachinery, rediss: redisMachinery, 'redis+socket': redisMachinery, 'redis+sentinel': redisMachinery, 'rediss+sentinel': redisMachinery,
    memcache: memcacheMachinery, memcaches: memcacheMachinery,
  },
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
