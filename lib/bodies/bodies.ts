import type { Message, MessageProperties } from '../brokers/broker.js';
import { ClaimMissingError, InvalidBodyError, InvalidTaskError, TaskTooLargeError, UnauthenticatedBodyError } from '../errors.js';
import type { Task, TaskHeaders } from '../task/task.js';
import { display } from '../task/argument-types.js';
import { Header } from '../task/headers.js';
import type { Compression } from './body-options.js';
import { boundFacts } from './bound-facts.js';
import { decrypt, encrypt, ENCRYPTION_CODING } from './cipher.js';
import type { Compressions } from './compressions.js';
import { joinCodings, splitCodings } from './content-codings.js';
import type { KeyRing } from './key-ring.js';
import { checkSignature, missingKey, signatureOf } from './signature.js';
import type { TaskNames } from './task-names.js';

/** Keys, and of which tasks. */
export interface KeysInUse {
  readonly keys: KeyRing;
  readonly tasks: TaskNames;
  readonly required: boolean;
  readonly context: string;
}

export interface CompressionInUse {
  readonly compression: Compression;
  readonly minBytes: number;
  readonly tasks: TaskNames;
}

export interface BodyParts {
  readonly compressions: Compressions;
  readonly compression: CompressionInUse | undefined;
  readonly encryption: KeysInUse | undefined;
  readonly signing: KeysInUse | undefined;
  /** No more comes out of a body, however it is packed. */
  readonly maxBytes: number;
  /** Bodies of so many bytes and more may be kept in a claim store. Default: none are. */
  readonly claimsFrom?: number | undefined;
  /** For tests. */
  readonly salt?: () => Uint8Array;
}

/** What is done to the body of one message, in this order. */
export interface Sealing {
  readonly compression?: { readonly with: Compression; readonly minBytes: number } | undefined;
  readonly encrypts: boolean;
  readonly signs: boolean;
}

/** A message as its format wrote it, and how it was sealed. */
export interface OpenedMessage<M extends Message = Message> {
  readonly message: M;
  readonly isEncrypted: boolean;
  readonly isSigned: boolean;
  readonly codings: readonly string[];
}

/** What stands between the body that a format writes and the bytes that travel. */
export class Bodies {
  private readonly opened = new WeakMap<Message, OpenedMessage>();
  /** What was fetched of a claim store, by the message that stands for it. */
  private readonly fetched = new WeakMap<Message, Buffer>();
  /** Something is asked of messages that look plain. */
  readonly demands: boolean;

  /** Something may be done to a message of which its sender says nothing. */
  readonly seals: boolean;

  constructor(readonly parts: BodyParts) {
    this.seals = parts.compression !== undefined || parts.encryption !== undefined || parts.signing !== undefined;
    this.demands = parts.encryption?.required === true || parts.signing?.required === true;
  }

  /** `undefined` where nothing is to be done, as in most applications. */
  sealingOf(name: string, asked: Pick<Sealing, 'compression'> & { readonly encrypt?: boolean | undefined; readonly isForOthers: boolean }): Sealing | undefined {
    const { compression, signing } = this.parts;
    if (!this.seals && asked.compression === undefined && asked.encrypt !== true) return undefined;
    const usual = compression !== undefined && !asked.isForOthers && compression.tasks.has(name) ? { with: compression.compression, minBytes: compression.minBytes } : undefined;
    return {
      compression: 'compression' in asked ? asked.compression : usual, encrypts: this.encrypts(name, asked.encrypt), signs: signing?.tasks.has(name) === true,
    };
  }

  /** The message as it travels. Of another task than its own it cannot be made. */
  seal({ body, properties }: Message, name: string, { compression, encrypts, signs }: Sealing): Message {
    const { codings, rest } = this.codingsOf(properties);
    const next = [...codings];
    const { maxBytes } = this.parts;
    if (body.length > maxBytes) throw new TaskTooLargeError(`Task "${name}" has ${body.length} bytes; at most ${maxBytes} may travel (maxTaskBytes), however they are packed.`, { task: name, bytes: body.length, maxTaskBytes: maxBytes });
    let bytes = body;
    if (compression !== undefined && body.length >= compression.minBytes) {
      const smaller = compression.with.compress(body);
      if (smaller.length < body.length) {
        bytes = Buffer.from(smaller.buffer, smaller.byteOffset, smaller.byteLength);
        next.push(compression.with.name);
      }
    }
    if (bytes === body && !encrypts && !signs) return { body, properties };
    return this.secured({ body: bytes, properties: { ...properties, headers: { ...properties.headers } } }, { name, rest, codings: next, encrypts, signs });
  }

  /**
   * The same message again with other content, sealed as it was: for whoever writes anew what came.
   *
   * @param plain with the content, and else as `original`
   * @throws what {@link open} throws
   */
  like(original: Message, plain: Message, name: string): Message {
    const opened = this.open(original);
    if (opened === undefined) return plain;
    const { codings, isEncrypted, isSigned } = opened;
    const compressed = codings.filter((coding) => coding !== ENCRYPTION_CODING);
    const body = compressed.reduce<Uint8Array>((bytes, coding) => this.parts.compressions.get(coding, 'The content_encoding of the message').compress(bytes), plain.body);
    const { rest } = splitCodings(original.properties.contentEncoding, (coding) => this.isCoding(coding));
    return this.secured({ body: Buffer.from(body), properties: { ...plain.properties, headers: { ...plain.properties.headers } } },
      { name, rest, codings: compressed, encrypts: isEncrypted, signs: isSigned && this.parts.signing !== undefined });
  }

  /**
   * `undefined` where nothing was done to it: what came is what its format wrote. Each message is opened once.
   *
   * @throws UnauthenticatedBodyError, BodyKeyError, TaskTooLargeError, InvalidBodyError
   */
  open<M extends Message>(message: M): OpenedMessage<M> | undefined {
    const { contentEncoding, headers } = message.properties;
    if (contentEncoding === undefined && (headers === undefined || (headers[Header.signature] === undefined && !isElsewhere(headers)))) return undefined;
    const known = this.opened.get(message);
    if (known !== undefined) return known as OpenedMessage<M>;
    const opened = isElsewhere(headers) ? this.openFetched(message) : this.openNow(message);
    if (opened !== undefined) this.opened.set(message, opened);
    return opened;
  }

  /**
   * Whether the task that its body says is the one that it was sealed for, and whether it is sealed as is required.
   *
   * @throws UnauthenticatedBodyError
   */
  check({ properties: { headers, messageId } }: Message, opened: OpenedMessage | undefined, { name, uuid }: Pick<Task, 'name' | 'uuid'>): void {
    const { encryption, signing } = this.parts;
    if (opened !== undefined && (opened.isEncrypted || opened.isSigned)) {
      if (headers?.[Header.task] !== name) throw new UnauthenticatedBodyError(`The body is task ${display(name)}, and was sealed for ${display(headers?.[Header.task])}.`, { task: name });
      if (messageId !== undefined && messageId !== uuid) throw new UnauthenticatedBodyError(`The body is task ${display(uuid)}, and was sealed for ${display(messageId)}.`, { uuid });
    }
    if (encryption?.required === true && opened?.isEncrypted !== true && encryption.tasks.has(name)) throw lacking(name, 'encrypted', 'encryption');
    if (signing?.required === true && opened?.isSigned !== true && signing.tasks.has(name)) throw lacking(name, 'signed', 'signing');
  }

  private secured(message: Message, { name, rest, codings, encrypts, signs }: { name: string; rest: string | undefined; codings: readonly string[]; encrypts: boolean; signs: boolean }): Message {
    const { properties } = message;
    const headers = properties.headers as TaskHeaders;
    for (const header of [Header.task, Header.key, Header.signature, Header.claim]) delete headers[header];
    if (encrypts || signs || message.body.length >= (this.parts.claimsFrom ?? Infinity)) headers[Header.task] = name;
    const contentEncoding = joinCodings(rest, encrypts ? [...codings, ENCRYPTION_CODING] : codings);
    if (contentEncoding === undefined) delete properties.contentEncoding;
    else properties.contentEncoding = contentEncoding;
    const { encryption, signing } = this.parts;
    if (encrypts) {
      const { keys, context } = encryption as KeysInUse;
      headers[Header.key] = keys.newest.id;
      message = { body: encrypt(message.body, keys.newest, boundFacts('encrypt', keys.newest.id, context, properties), this.parts.salt?.()), properties };
    }
    if (signs) {
      const { keys, context } = signing as KeysInUse;
      headers[Header.signature] = signatureOf(message, keys.newest, context);
    }
    return message;
  }

  /** The body of a message that has a claim on it: from then on it can be opened. */
  provide(message: Message, body: Buffer): void {
    this.fetched.set(message, body);
  }

  private openFetched<M extends Message>(message: M): OpenedMessage<M> {
    const body = this.fetched.get(message);
    if (body === undefined) throw new ClaimMissingError('The body is kept in a claim store, where it is not found, or which is none of this process (claimCheck). Its task may have ended already; where it has not, replay it once the store is there.');
    const { [Header.claim]: _claim, ...headers } = message.properties.headers as TaskHeaders;
    const whole = { ...message, body, properties: { ...message.properties, headers } };
    return this.openNow(whole) ?? { message: { ...whole, properties: { ...whole.properties, headers: plainHeaders(headers) } }, isEncrypted: false, isSigned: false, codings: [] };
  }

  private openNow<M extends Message>(message: M): OpenedMessage<M> | undefined {
    const { signing, compressions, maxBytes } = this.parts;
    const { properties } = message;
    // Who has no key cannot tell a true signature from a false one, and does not require any.
    const isSigned = signing !== undefined && properties.headers?.[Header.signature] !== undefined;
    if (isSigned) checkSignature(message, signing.keys, signing.context);
    const { rest, codings } = this.codingsOf(properties);
    if (codings.length === 0 && properties.headers?.[Header.signature] === undefined) return undefined;
    let { body } = message;
    for (const coding of [...codings].reverse()) {
      const compression = compressions.find(coding);
      body = compression === undefined ? this.decrypted(body, properties) : compressions.decompress(compression, body, maxBytes);
    }
    const opened = { ...properties, headers: plainHeaders(properties.headers) };
    if (rest === undefined) delete opened.contentEncoding;
    else opened.contentEncoding = rest;
    return { message: { ...message, body, properties: opened }, isEncrypted: codings.includes(ENCRYPTION_CODING), isSigned, codings };
  }

  private decrypted(body: Buffer, properties: MessageProperties): Buffer {
    const id = properties.headers?.[Header.key];
    if (typeof id !== 'string') throw new UnauthenticatedBodyError(`The body says that it is encrypted, and the header ${Header.key} does not name its key.`);
    const { encryption } = this.parts;
    const key = encryption?.keys.find(id);
    if (encryption === undefined || key === undefined) throw missingKey(id.slice(0, 64), encryption?.keys, 'encrypted', 'encryption.keys');
    return decrypt(body, key, boundFacts('encrypt', id, encryption.context, properties));
  }

  private encrypts(name: string, asked: boolean | undefined): boolean {
    const { encryption } = this.parts;
    const isMeant = encryption?.tasks.has(name) === true;
    if (asked === true && encryption === undefined) throw new InvalidTaskError(`Task "${name}" is to be encrypted, and there is no key. Write encryption: { keys: [{ id, secret }] } into the configuration.`, { task: name });
    if (asked === false && isMeant && encryption?.required === true) throw new InvalidTaskError(`Task "${name}" is not to be encrypted (encrypt: false), but encryption.required says that workers refuse it so. Leave encrypt out.`, { task: name });
    return asked ?? isMeant;
  }

  private codingsOf({ contentEncoding }: MessageProperties): { rest: string | undefined; codings: readonly string[] } {
    const { rest, codings } = splitCodings(contentEncoding, (name) => this.isCoding(name));
    if (codings.indexOf(ENCRYPTION_CODING) !== codings.lastIndexOf(ENCRYPTION_CODING)) throw new InvalidBodyError('The body says that it is encrypted twice, which nobody writes.');
    return { rest, codings };
  }

  private isCoding(name: string): boolean {
    return name === ENCRYPTION_CODING || this.parts.compressions.find(name) !== undefined;
  }
}

function isElsewhere(headers: TaskHeaders | undefined): boolean {
  const claim = headers?.[Header.claim];
  return claim !== undefined && claim !== '';
}

/** As its format wrote them. */
function plainHeaders(headers: TaskHeaders | undefined): TaskHeaders | undefined {
  if (headers === undefined) return undefined;
  const { [Header.task]: _task, [Header.key]: _key, [Header.signature]: _signature, ...rest } = headers;
  return rest;
}

function lacking(name: string, what: string, option: string): UnauthenticatedBodyError {
  return new UnauthenticatedBodyError(`Task "${name}" is not ${what}, and ${option}.required says that it must be. Whoever sends it needs ${option} with one of the keys; if it is to run as it is, replay it once the worker does not require that.`, { task: name });
}
