import { createSecretKey, type KeyObject } from 'node:crypto';
import { ConfigurationError } from '../errors.js';
import type { BodyKey } from './body-options.js';

export const KEY_BYTES = 32;
const ID = /^[A-Za-z0-9._-]{1,64}$/;
const BASE64 = /^[A-Za-z0-9+/_-]{43}=?$/;
const HEX = /^[0-9a-fA-F]{64}$/;

export interface NamedKey {
  readonly id: string;
  /** Shows nothing of itself when it is printed. */
  readonly key: KeyObject;
}

/** Keys by their ids: the first is written with, each is read with. */
export class KeyRing {
  readonly newest: NamedKey;
  private readonly keys = new Map<string, NamedKey>();

  /** @throws ConfigurationError, which never shows a secret */
  constructor(keys: readonly BodyKey[], where: string) {
    if (!Array.isArray(keys) || keys.length === 0) throw new ConfigurationError(`${where} must be a list of keys such as [{ id: '2026-01', secret }], the first of which is written with.`, { option: where });
    keys.forEach((key: unknown, index) => {
      const named = namedKey(key, `${where}[${index}]`);
      if (this.keys.has(named.id)) throw new ConfigurationError(`${where} has two keys of the id "${named.id}". Give each an id of its own, which is never used for another.`, { option: where, id: named.id });
      this.keys.set(named.id, named);
    });
    this.newest = this.keys.values().next().value as NamedKey;
  }

  get ids(): readonly string[] {
    return [...this.keys.keys()];
  }

  find(id: string): NamedKey | undefined {
    return this.keys.get(id);
  }
}

function namedKey(key: unknown, where: string): NamedKey {
  const { id, secret } = (typeof key === 'object' && key !== null ? key : {}) as Partial<BodyKey>;
  if (typeof id !== 'string' || !ID.test(id)) throw new ConfigurationError(`${where} needs an id of letters, digits, ".", "_" and "-", at most 64: { id: '2026-01', secret }.`, { option: where });
  const bytes = bytesOf(secret);
  if (bytes?.length !== KEY_BYTES) {
    throw new ConfigurationError(`The secret of ${where} ("${id}") must be ${KEY_BYTES} bytes, or their base64 or hex text${bytes === undefined ? '' : `; it has ${bytes.length} bytes`}. \`openssl rand -base64 32\` makes one.`, { option: where, id });
  }
  return { id, key: createSecretKey(bytes) };
}

function bytesOf(secret: unknown): Buffer | undefined {
  if (secret instanceof Uint8Array) return Buffer.from(secret);
  if (typeof secret !== 'string') return undefined;
  if (HEX.test(secret)) return Buffer.from(secret, 'hex');
  return BASE64.test(secret) ? Buffer.from(secret, 'base64url') : undefined;
}
