import { createHmac, timingSafeEqual } from 'node:crypto';
import { BodyKeyError, UnauthenticatedBodyError } from '../errors.js';
import type { Message } from '../brokers/broker.js';
import { Header } from '../task/headers.js';
import { boundFacts } from './bound-facts.js';
import type { KeyRing, NamedKey } from './key-ring.js';

const FORM = /^([A-Za-z0-9._-]{1,64}) ([A-Za-z0-9_-]{43})$/;

/** `<key id> <HMAC-SHA-256 of the bound facts and the body, base64url>`. */
export function signatureOf({ body, properties }: Message, key: NamedKey, context: string): string {
  return `${key.id} ${mac(body, properties, key, context).toString('base64url')}`;
}

/** @throws UnauthenticatedBodyError, BodyKeyError */
export function checkSignature({ body, properties }: Message, keys: KeyRing, context: string): void {
  const text = properties.headers?.[Header.signature];
  const [, id = '', given = ''] = (typeof text === 'string' ? FORM.exec(text) : undefined) ?? [];
  if (id === '') throw new UnauthenticatedBodyError(`The header ${Header.signature} is no signature: it must be the id of a key and 43 characters.`);
  const key = keys.find(id);
  if (key === undefined) throw missingKey(id, keys, 'signed', 'signing.keys');
  if (timingSafeEqual(mac(body, properties, key, context), Buffer.from(given, 'base64url'))) return;
  throw new UnauthenticatedBodyError(`The signature by the key "${id}" is not of this message: its body, name, uuid or version was changed, or it is of another context, or the key of this id is another one here.`, { key: id });
}

export function missingKey(id: string, keys: KeyRing | undefined, how: string, option: string): BodyKeyError {
  const known = keys === undefined ? 'no key is configured here' : `the keys here are ${keys.ids.map((known) => `"${known}"`).join(', ')}`;
  return new BodyKeyError(`The body is ${how} with the key "${id}"; ${known} (${option}). Add it, and replay the task where it is a dead letter.`, { key: id });
}

function mac(body: Uint8Array, properties: Message['properties'], { id, key }: NamedKey, context: string): Buffer {
  return createHmac('sha256', key).update(boundFacts('sign', id, context, properties)).update(body).digest();
}
