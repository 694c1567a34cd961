import { createHash } from 'node:crypto';
import { ConfigurationError } from '../../errors.js';
import { MAX_MEMBER_BYTES, MAX_STORED_KEY_BYTES } from '../result-store.js';

const PLAIN = /^[A-Za-z0-9_.:-]{1,120}$/;
const PREFIX = /^[A-Za-z0-9_.:-]{0,64}$/;
const BARE = /^[^\s\p{Cc}\p{Surrogate}]+$/u;
const LONE_SURROGATE = /\p{Surrogate}/u;

/** @throws ConfigurationError when no store could keep keys with this prefix */
export function checkKeyPrefix(prefix: string): void {
  if (PREFIX.test(prefix)) return;
  throw new ConfigurationError(`keyPrefix is ${JSON.stringify(prefix.slice(0, 100))}; expected up to 64 characters of A-Z a-z 0-9 _ . : - . Choose such a name.`, { keyPrefix: prefix });
}

/**
 * The key as a store sees it. Plain and short ones stay readable for operators; any other text is
 * hashed, behind a mark that no plain key can have. Hashed as UTF-16, so that two texts that UTF-8
 * cannot tell apart (lone surrogates) stay two keys.
 */
export function storedKey(prefix: string, key: string): string {
  if (PLAIN.test(key)) return prefix + key;
  if (key === '') throw new ConfigurationError('A key of the result backend is empty; expected a text. Name what is kept.');
  return `${prefix}~${createHash('sha256').update(Buffer.from(key, 'utf16le')).digest('base64url')}`;
}

/** One that other systems have given. @throws ConfigurationError for what no store of theirs takes */
export function bareKey(key: string): string {
  if (BARE.test(key) && Buffer.byteLength(key) <= MAX_STORED_KEY_BYTES) return key;
  throw new ConfigurationError(`"${key.slice(0, 100)}" cannot be the name of a record: expected 1 to ${MAX_STORED_KEY_BYTES} bytes without spaces and control characters.`);
}

/** @throws ConfigurationError for a name that cannot be given back as it was */
export function checkMember(member: string): void {
  const bytes = Buffer.byteLength(member);
  if (bytes > 0 && bytes <= MAX_MEMBER_BYTES && !LONE_SURROGATE.test(member)) return;
  throw new ConfigurationError(
    `The name of a member has ${bytes} bytes${LONE_SURROGATE.test(member) ? ' and is not valid Unicode' : ''}; expected 1 to ${MAX_MEMBER_BYTES} bytes of text. Use an id, and put the rest into the value.`,
    { bytes });
}

/** Whole milliseconds, never fewer than asked; `undefined` for never. */
export function storedExpiry(expiresInMs: number): number | undefined {
  if (expiresInMs === Infinity) return undefined;
  if (expiresInMs > 0 && expiresInMs <= MAX_EXPIRY_MS) return Math.ceil(expiresInMs);
  throw new ConfigurationError(`expiresInMs is ${expiresInMs}; expected milliseconds, more than 0 and up to ${MAX_EXPIRY_MS} (10 years), or Infinity for "never".`, { expiresInMs });
}

const MAX_EXPIRY_MS = 10 * 365 * 24 * 3600 * 1000;
