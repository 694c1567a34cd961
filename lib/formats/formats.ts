import { ConfigurationError, DispatcherError, InvalidBodyError, InvalidTaskError } from '../errors.js';
import { display } from '../task/argument-types.js';
import { messageOf } from '../task/error-text.js';
import { Header } from '../task/headers.js';
import { nearestName } from '../task/nearest-name.js';
import type { Task, TaskHeaders } from '../task/task.js';
import type { ArrivedMessage, EncodedTask, Format, NextAttempt } from './format.js';
import type { Message } from '../brokers/broker.js';
import { celeryFormat } from './celery/celery.js';
import { celery1Format } from './celery/celery1.js';
import { binaryCloudEvents, cloudEvents } from './cloudevents.js';
import { gocraftFormat } from './gocraft.js';
import { beginsAsGofort, gofortFormat } from './gofort.js';
import { hutchFormat } from './hutch.js';
import { machineryFormat } from './machinery/machinery.js';
import { goWorkersFormat, sidekiqFormat } from './sidekiq.js';

/**
 * In the order in which they are asked whether a message is theirs: first those that are seen by properties, then those
 * that a parsed body tells apart.
 */
export const BUILT_IN_FORMATS: readonly Format[] = [celeryFormat, cloudEvents, gofortFormat, machineryFormat, celery1Format, sidekiqFormat, gocraftFormat, binaryCloudEvents, goWorkersFormat, hutchFormat];

/** What stands between the bytes of a message and its format: compressed, encrypted, signed. */
export interface BodyOpener {
  /** Something is asked of messages that look plain. */
  readonly demands: boolean;
  /** `undefined` where the bytes are as a format has written them. @throws InvalidBodyError, TaskTooLargeError */
  open<M extends Message>(message: M): Opened<M> | undefined;
  /** @throws UnauthenticatedBodyError where the task is none that may be in this message */
  check(message: Message, opened: Opened<Message> | undefined, task: Pick<Task, 'name' | 'uuid'>): void;
  /** With other content, as the original was. @throws what `open` throws */
  like(original: Message, plain: Message, name: string): Message;
}

export interface Opened<M extends Message> {
  readonly message: M;
  readonly isEncrypted: boolean;
  readonly isSigned: boolean;
  readonly codings: readonly string[];
}

/** The formats of one dispatcher. */
export class Formats {
  /** Those of the configuration first. */
  private readonly all: readonly Format[];

  /**
   * @param withResults names of those whose states and results are kept too, as their own systems keep them
   * @throws ConfigurationError where two have one name, or one is no format
   */
  constructor(private readonly own: readonly Format[] = [], private readonly withResults: ReadonlySet<string> = new Set(), readonly opener?: BodyOpener) {
    this.all = [...own, ...BUILT_IN_FORMATS];
    own.forEach((format, index) => checkFormat(format, `formats[${index}]`, this.all.filter((other) => other !== format)));
  }

  get names(): readonly string[] {
    return this.all.map(({ name }) => name);
  }

  find(name: string): Format | undefined {
    return this.all.find((format) => format.name === name);
  }

  /** @throws ConfigurationError that lists the known ones */
  get(name: string, where: string): Format {
    const format = this.find(name);
    if (format !== undefined) return format;
    const nearest = nearestName(name, this.names);
    throw new ConfigurationError(`${where} is ${display(name)}, which is no format. ${nearest === undefined ? '' : `Did you mean "${nearest}"? `}`
      + `The formats are ${this.names.join(', ')}; those of your own stand in formats of the dispatcher's configuration.`, { option: where, known: this.names });
  }

  /** What needs results is unsupported where there are none of its format. */
  supported(task: Task): Task {
    const { arrived } = task;
    if (arrived?.needsResults === undefined || this.withResults.has(arrived.format)) return task;
    return { ...task, arrived: { ...arrived, unsupported: arrived.unsupported ?? arrived.needsResults } };
  }

  /** Takes messages of every format; what none recognises is read as `fallback`. */
  reading(fallback: Format): ReadingFormat {
    return new ReadingFormat(this, fallback, this.own.length > 0);
  }

  /** The first that says that this message is its own. Never throws. */
  recognising(message: ArrivedMessage): Format | undefined {
    const content = parsedOnce(message.body);
    return this.all.find((format) => recognises(format, message, content));
  }
}

/** Headers that say how a body was sealed. */
const SEALS: readonly string[] = [Header.task, Header.key, Header.signature];

/** Stands for all formats where messages arrive: each is decoded by its own. */
export class ReadingFormat implements Format {
  readonly name: string;
  readonly contentType: string;
  private readonly isPlain: boolean;

  constructor(private readonly formats: Formats, private readonly fallback: Format, hasOwn: boolean) {
    this.name = fallback.name;
    this.contentType = fallback.contentType;
    this.isPlain = fallback === gofortFormat && !hasOwn && formats.opener?.demands !== true;
  }

  /** Which format a message is in. Never throws; the format that it names may be unknown here. */
  of(message: ArrivedMessage): Format {
    if (this.isOurs(message)) return gofortFormat;
    try {
      return this.ofPlain(this.formats.opener?.open(message)?.message ?? message);
    } catch {
      // It cannot be read here: what is written beside it has to do.
      return this.ofPlain(message);
    }
  }

  /** A task that came in a format is written in that one. */
  encode(task: Task): EncodedTask {
    const { arrived } = task;
    return ((arrived && this.formats.find(arrived.format)) ?? this.fallback).encode(task);
  }

  decode(message: ArrivedMessage): Task {
    if (this.isOurs(message)) return gofortFormat.decode(message);
    const { opener } = this.formats;
    const opened = opener?.open(message);
    const task = this.decodePlain(opened?.message ?? message, opened?.isEncrypted === true);
    opener?.check(message, opened, task);
    return task;
  }

  identify(message: ArrivedMessage): { uuid?: string; name?: string } {
    try {
      const plain = this.formats.opener?.open(message)?.message ?? message;
      return this.ofPlain(plain).identify?.(plain) ?? {};
    } catch {
      const { headers, messageId } = message.properties;
      const name = headers?.[Header.task];
      return { ...(messageId === undefined ? {} : { uuid: messageId }), ...(typeof name === 'string' ? { name } : {}) };
    }
  }

  /** What of the message changes for its next attempt, as it is to travel: sealed as it came. @throws what `decode` throws */
  nextAttempt(message: ArrivedMessage, next: NextAttempt): { body?: Buffer; headers?: TaskHeaders } {
    const plain = this.formats.opener?.open(message)?.message ?? message;
    const changes = this.ofPlain(plain).nextAttempt?.(plain, next) ?? {};
    if (changes.body === undefined || plain === message) return changes;
    const { headers } = message.properties;
    const sealed = this.rewritten(message, { body: changes.body, properties: { ...message.properties, headers: { ...headers, ...changes.headers } } }, this.decode(message).name);
    const seals = Object.entries(sealed.properties.headers ?? {}).filter(([name, value]) => SEALS.includes(name) && headers?.[name] !== value);
    return { body: sealed.body, headers: { ...changes.headers, ...Object.fromEntries(seals), ...(headers?.[Header.claim] === undefined ? {} : { [Header.claim]: '' }) } };
  }

  /**
   * @param plain the message with other content, in the clear
   * @returns that, compressed, encrypted and signed as the original
   * @throws InvalidBodyError, TaskTooLargeError where the original cannot be opened
   */
  rewritten(original: ArrivedMessage, plain: Message, name: string): Message {
    return this.formats.opener?.like(original, plain, name) ?? plain;
  }

  private decodePlain(message: ArrivedMessage, isSecret: boolean): Task {
    const format = this.ofPlain(message);
    try {
      return this.formats.supported(format.decode(message));
    } catch (error) {
      if (isSecret) throw untold(error);
      if (error instanceof DispatcherError) throw error;
      throw new InvalidBodyError(`The format "${format.name}" failed at a message, which its decode must not do with any but InvalidBodyError and InvalidTaskError: ${messageOf(error)}`, {}, error);
    }
  }

  private ofPlain(message: ArrivedMessage): Format {
    const named = message.properties.headers?.[Header.format];
    if (typeof named === 'string') return this.formats.find(named) ?? unknownFormat(named);
    return this.formats.recognising(message) ?? this.fallback;
  }

  /** Without a closer look. */
  private isOurs({ body, properties: { headers, contentType } }: ArrivedMessage): boolean {
    return this.isPlain && contentType === gofortFormat.contentType && beginsAsGofort(body) && !maySayOtherwise(headers);
  }
}

/** Of a worker's format: which one a message is in. */
export function formatOf(format: Format, message: ArrivedMessage): Format {
  return format instanceof ReadingFormat ? format.of(message) : format;
}

/** What it has that is only for who has the key must not stand in a dead letter in clear. */
function untold(error: unknown): Error {
  const Kind = error instanceof InvalidTaskError ? InvalidTaskError : InvalidBodyError;
  return new Kind('The body could be decrypted, and is no task that can be run: what is wrong with it is not told here, because it would tell of its content. Whoever has the key can read it.');
}

/** Headers by which other formats are seen. */
function maySayOtherwise(headers: TaskHeaders | undefined): boolean {
  for (const name in headers) if (name === Header.format || name === Header.signature || name === 'task' || name.startsWith('cloudEvents')) return true;
  return false;
}

/** A message that was made by a process with more formats must not be taken for something else. */
function unknownFormat(name: string): Format {
  const refuse = (): never => {
    throw new InvalidBodyError(`The message is in the format ${display(name)} (header ${Header.format}), which this dispatcher does not have. Add it to formats of its configuration.`, { format: name });
  };
  return { name, contentType: '', encode: refuse, decode: refuse };
}

function recognises(format: Format, message: ArrivedMessage, content: () => unknown): boolean {
  try {
    return format.recognises?.(message, content) === true;
  } catch {
    return false;
  }
}

/** Only to see what it is: whoever decodes it reads it with care. */
function parsedOnce(body: Buffer): () => unknown {
  let parsed: { readonly content: unknown } | undefined;
  return () => (parsed ??= { content: parse(body) }).content;
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}

/** @throws ConfigurationError */
function checkFormat(format: unknown, where: string, others: readonly Format[]): void {
  const { name, contentType, encode, decode } = (typeof format === 'object' && format !== null ? format : {}) as Partial<Format>;
  if (typeof name !== 'string' || name === '' || typeof contentType !== 'string' || typeof encode !== 'function' || typeof decode !== 'function') {
    throw new ConfigurationError(`${where} must be a Format: an object with name, contentType, encode and decode; found ${display(format)}.`, { option: where });
  }
  if (others.some((other) => other?.name === name)) {
    throw new ConfigurationError(`${where} is named "${name}", as another format is. Give it a name of its own.`, { option: where, name });
  }
}
