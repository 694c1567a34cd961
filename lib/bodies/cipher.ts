import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { UnauthenticatedBodyError } from '../errors.js';
import type { NamedKey } from './key-ring.js';

/**
 * An encrypted body: a version, 1 byte; a random salt, 16 bytes; the ciphertext of AES-256-GCM; its tag, 16 bytes. Key and
 * nonce of each body are made of the shared key and its salt (HKDF with SHA-256), so that a key may be used for as many
 * bodies as there are.
 */
const FORM = 1;
const SALT_BYTES = 16;
const TAG_BYTES = 16;
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const INFO = 'nestjs-dispatcher-body-1';
const ALGORITHM = 'aes-256-gcm';

export const ENCRYPTION_CODING = ALGORITHM;

/** @param salt for tests: bytes that are used twice with one key give its content away */
export function encrypt(body: Uint8Array, { key }: NamedKey, bound: Uint8Array, salt: Uint8Array = randomBytes(SALT_BYTES)): Buffer {
  const { own, nonce } = derived(key, salt);
  const cipher = createCipheriv(ALGORITHM, own, nonce);
  cipher.setAAD(bound);
  const encrypted = cipher.update(body);
  return Buffer.concat([Buffer.of(FORM), salt, encrypted, cipher.final(), cipher.getAuthTag()]);
}

/** @throws UnauthenticatedBodyError */
export function decrypt(body: Buffer, { id, key }: NamedKey, bound: Uint8Array): Buffer {
  if (body.length < 1 + SALT_BYTES + TAG_BYTES || body[0] !== FORM) {
    throw new UnauthenticatedBodyError(`The body says that it is encrypted with the key "${id}", and is not: it ${body[0] === FORM ? `has ${body.length} bytes, too few` : 'is of no form that is known here'}.`, { key: id, bytes: body.length });
  }
  const { own, nonce } = derived(key, body.subarray(1, 1 + SALT_BYTES));
  const decipher = createDecipheriv(ALGORITHM, own, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(bound);
  decipher.setAuthTag(body.subarray(-TAG_BYTES));
  const content = decipher.update(body.subarray(1 + SALT_BYTES, -TAG_BYTES));
  try {
    return Buffer.concat([content, decipher.final()]);
  } catch {
    throw new UnauthenticatedBodyError(`The body was not encrypted so with the key "${id}": it was changed, or belongs to another task, or to another context, or the key of this id is another one here.`, { key: id });
  }
}

function derived(key: NamedKey['key'], salt: Uint8Array): { own: Buffer; nonce: Buffer } {
  const bytes = Buffer.from(hkdfSync('sha256', key, salt, INFO, KEY_BYTES + NONCE_BYTES));
  return { own: bytes.subarray(0, KEY_BYTES), nonce: bytes.subarray(KEY_BYTES) };
}
