import { ConfigurationError } from '../../errors.js';
import { foreignSchemes } from '../../foreign/create-foreign-results.js';
import { display } from '../../task/argument-types.js';
import { Secret } from '../../urls/secret.js';
import { checkSeconds, refuseUnknown, requireObject } from './config-checks.js';

/** Where another system keeps states and results, see {@link ServerConfig.foreignResults}. @publicApi */
export interface ForeignResultsConfig {
  /** As its own configuration names it: `redis://host:6379/0`, `memcache://h1,h2`, ... Required. */
  url: string;
  /** How long a record is kept after its last change, in seconds. Default: as its system does, 3600 for machinery, 86,400 for Celery. */
  expiresInSeconds?: number;
}

/** By the names of formats. @publicApi */
export interface ForeignResultsOptions {
  /** machinery's `ResultBackend`. */
  machinery?: string | ForeignResultsConfig;
  /** Celery's `result_backend`: `redis://...`, or `rpc://`. */
  celery?: string | ForeignResultsConfig;
}

export interface ResolvedForeignResults {
  readonly format: string;
  readonly url: Secret<string>;
  readonly expiresInMs: number;
}

const EXPIRY_SECONDS: Readonly<Record<keyof ForeignResultsOptions, number>> = { machinery: 3600, celery: 86_400 };
const EXAMPLE = "{ machinery: 'redis://localhost:6379/0' }";

/** @throws ConfigurationError */
export function checkForeignResults(options: unknown): readonly ResolvedForeignResults[] {
  if (options === undefined) return [];
  requireObject(options, 'foreignResults', EXAMPLE);
  const formats = Object.keys(EXPIRY_SECONDS) as (keyof ForeignResultsOptions)[];
  refuseUnknown(options, formats, 'foreignResults');
  return formats.flatMap((format) => {
    const given: unknown = (options as ForeignResultsOptions)[format];
    return given === undefined ? [] : [resolved(format, given)];
  });
}

function resolved(format: keyof ForeignResultsOptions, given: unknown): ResolvedForeignResults {
  const where = `foreignResults.${format}`;
  if (typeof given !== 'string') {
    requireObject(given, where, 'a URL, or { url, expiresInSeconds }');
    refuseUnknown(given, ['url', 'expiresInSeconds'], where);
  }
  const { url, expiresInSeconds }: { url?: unknown; expiresInSeconds?: unknown } = typeof given === 'string' ? { url: given } : given;
  const schemes = foreignSchemes(format) ?? [];
  if (typeof url !== 'string' || !schemes.some((scheme) => url.toLowerCase().startsWith(scheme))) {
    const found = typeof url === 'string' ? `a URL of the form "${/^[a-z0-9+]*/i.exec(url)?.[0] ?? ''}:"` : display(url);
    throw new ConfigurationError(`${where} must be the URL of the store in which ${format} keeps results, which begins with one of ${schemes.join(' ')}; found ${found}.`, { option: where });
  }
  return { format, url: new Secret(url), expiresInMs: 1000 * checkSeconds(expiresInSeconds, `${where}.expiresInSeconds`, { fallback: EXPIRY_SECONDS[format], positive: true }) };
}
