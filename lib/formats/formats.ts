import { ConfigurationError, DispatcherError, InvalidBodyError } from '../errors.js';
import { display } from '../task/argument-types.js';
import { messageOf } from '../task/error-text.js';
import { Header } from '../task/headers.js';
import { nearestName } from '../task/nearest-name.js';
import type { Task, TaskHeaders } from '../task/task.js';
import type { ArrivedMessage, EncodedTask, Format } from './format.js';
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

/** The formats of one dispatcher. */
export class Formats {
  /** Those of the configuration first. */
  private readonly all: readonly Format[];

  /**
   * @param withResults names of those whose states and results are kept too, as their own systems keep them
   * @throws ConfigurationError where two have one name, or one is no format
   */
  constructor(private readonly own: readonly Format[] = [], private readonly withResults: ReadonlySet<string> = new Set()) {
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

/** Stands for all formats where messages arrive: each is decoded by its own. */
export class ReadingFormat implements Format {
  readonly name: string;
  readonly contentType: string;
  private readonly isPlain: boolean;

  constructor(private readonly formats: Formats, private readonly fallback: Format, hasOwn: boolean) {
    this.name = fallback.name;
    this.contentType = fallback.contentType;
    this.isPlain = fallback === gofortFormat && !hasOwn;
  }

  /** Which format a message is in. Never throws; the format that it names may be unknown here. */
  of(message: ArrivedMessage): Format {
    const { headers, contentType } = message.properties;
    if (this.isPlain && contentType === gofortFormat.contentType && beginsAsGofort(message.body) && !maySayOtherwise(headers)) return gofortFormat;
    const named = headers?.[Header.format];
    if (typeof named === 'string') return this.formats.find(named) ?? unknownFormat(named);
    return this.formats.recognising(message) ?? this.fallback;
  }

  /** A task that came in a format is written in that one. */
  encode(task: Task): EncodedTask {
    const { arrived } = task;
    return ((arrived && this.formats.find(arrived.format)) ?? this.fallback).encode(task);
  }

  decode(message: ArrivedMessage): Task {
    const format = this.of(message);
    if (format === gofortFormat) return format.decode(message);
    try {
      return this.formats.supported(format.decode(message));
    } catch (error) {
      if (error instanceof DispatcherError) throw error;
      throw new InvalidBodyError(`The format "${format.name}" failed at a message, which its decode must not do with any but InvalidBodyError and InvalidTaskError: ${messageOf(error)}`, {}, error);
    }
  }

  identify(message: ArrivedMessage): { uuid?: string; name?: string } {
    try {
      return this.of(message).identify?.(message) ?? {};
    } catch {
      return {};
    }
  }
}

/** Of a worker's format: which one a message is in. */
export function formatOf(format: Format, message: ArrivedMessage): Format {
  return format instanceof ReadingFormat ? format.of(message) : format;
}

/** Headers by which other formats are seen. */
function maySayOtherwise(headers: TaskHeaders | undefined): boolean {
  for (const name in headers) if (name === Header.format || name === 'task' || name.startsWith('cloudEvents')) return true;
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
