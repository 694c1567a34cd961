import type { Bodies, Sealing } from '../bodies/bodies.js';
import type { Address } from '../brokers/broker.js';
import { InvalidTaskError, StrictWireError } from '../errors.js';
import type { EncodedTask, Format } from '../formats/format.js';
import { BUILT_IN_FORMATS, type Formats, type ReadingFormat } from '../formats/formats.js';
import { gofortFormat } from '../formats/gofort.js';
import { display } from '../task/argument-types.js';
import type { StrictWire, WiredQueue } from './strict-wire.js';
import type { FormatName } from '../task/format-name.js';
import { Header } from '../task/headers.js';
import type { AddressedTask, Task } from '../task/task.js';

/** What is known of a queue and of how its tasks look. */
export interface FormattedQueue extends WiredQueue {
  readonly format?: FormatName | undefined;
}

/** Which format a task is written in, and which one messages of a queue are read as where nothing else can be seen. */
export class TaskFormats {
  /** For what belongs to no queue in particular. */
  readonly reading: ReadingFormat;
  private readonly byQueue = new Map<string, Format>();
  private readonly byKey = new Map<string, Format>();
  private readonly readings = new Map<Format, ReadingFormat>();

  /** @param wire is told of queues as this is @throws ConfigurationError for a format that there is not */
  constructor(
    private readonly formats: Formats, private readonly otherwise: Format, queues: readonly FormattedQueue[],
    private readonly wire: Pick<StrictWire, 'add' | 'reads'>, private readonly bodies: Bodies,
  ) {
    this.reading = this.readingAs(otherwise);
    this.add(...queues);
  }

  /** Also those that come at run time. @throws ConfigurationError */
  add(...queues: readonly FormattedQueue[]): void {
    this.wire.add(...queues);
    for (const { name, bindingKeys = [], format } of queues) {
      const own = format === undefined ? this.byQueue.get(name) : this.formats.get(format, `The format of the queue "${name}"`);
      if (own === undefined) continue;
      this.byQueue.set(name, own);
      for (const key of bindingKeys) this.byKey.set(key, own);
    }
  }

  find(name: string): Format | undefined {
    return this.formats.find(name);
  }

  readingOf(queue: string): ReadingFormat {
    const own = this.byQueue.get(queue);
    return own === undefined ? this.reading : this.readingAs(own);
  }

  /**
   * The task as its format can say it: addressed by its name, where that is said by the routing key alone.
   *
   * @param isAddressed its sender has named a routing key
   * @throws InvalidTaskError
   */
  fitted(task: AddressedTask, isAddressed: boolean): AddressedTask {
    const format = this.of(task);
    if (task.hasKwargs === true && format.hasKwargs !== true) {
      throw new InvalidTaskError(`Task "${task.name}": the format "${format.name}" has no arguments by name (kwargs). Pass them as one object, behind the other arguments; or publish it with format: 'celery'.`,
        { task: task.name, format: format.name });
    }
    if (format !== gofortFormat && this.wire.reads(task)) {
      throw new StrictWireError(`Task "${task.name}": Go may read what is sent to the routing key "${task.routingKey}" (wire: 'gofort-strict'), and drops in silence what is in the format "${format.name}". Publish it in the format gofort, or where only others read.`,
        { task: task.name, routingKey: task.routingKey, format: format.name });
    }
    if (format.namesByRoutingKey !== true || task.routingKey === task.name) return task;
    if (!isAddressed) return { ...task, routingKey: task.name };
    throw new InvalidTaskError(`Task "${task.name}": the format "${format.name}" says the name of a task by its routing key alone; found the routing key "${task.routingKey}". Leave it out, or name the task so.`,
      { task: task.name, routingKey: task.routingKey, format: format.name });
  }

  /** @throws InvalidTaskError */
  encode(task: AddressedTask): EncodedTask {
    return this.sealed(this.of(task), task, task);
  }

  /** For what goes straight to this queue. @throws InvalidTaskError */
  encodeFor(queue: string, task: Task): EncodedTask {
    return this.sealed(this.byQueue.get(queue) ?? this.otherwise, task, { queue });
  }

  /** What one of the formats has written itself, a task that follows another, as it is to travel. @throws InvalidTaskError */
  sealedAs(format: string, { name, message }: { readonly name: string; readonly message: EncodedTask }): EncodedTask {
    const known = this.formats.find(format);
    const sealing = known && this.sealingOf(known, { name }, undefined);
    return known === undefined || sealing === undefined ? message : this.bodies.seal(named(known, message), name, sealing);
  }

  /** Whether tasks of this name are encrypted in this format. */
  isEncrypted(format: string, name: string): boolean {
    return this.bodies.sealingOf(name, { isForOthers: isOfOthers(this.formats.get(format, 'format')) })?.encrypts === true;
  }

  private sealed(format: Format, task: AddressedTask | Task, address: Address): EncodedTask {
    if (!this.bodies.seals && !('compress' in task) && !('encrypt' in task)) return this.named(format, task.name, written(format, task));
    const sealing = this.sealingOf(format, task, address);
    const message = written(format, task);
    if (sealing === undefined) return this.named(format, task.name, message);
    return this.named(format, task.name, this.bodies.seal(sealing.encrypts || sealing.signs ? named(format, message) : message, task.name, sealing));
  }

  /** What is so large that its body may be kept elsewhere has its name beside it; what other systems read never is. */
  private named(format: Format, name: string, message: EncodedTask): EncodedTask {
    const { claimsFrom = Infinity } = this.bodies.parts;
    if (message.body.length < claimsFrom || isOfOthers(format)) return message;
    const { body, properties } = named(format, message);
    return { body, properties: { ...properties, headers: { ...properties.headers, [Header.task]: name } } };
  }

  /** @throws InvalidTaskError, StrictWireError where Go could not read it, and drops in silence what it cannot */
  private sealingOf(format: Format, { name, compress, encrypt }: Pick<AddressedTask, 'name' | 'compress' | 'encrypt'>, address: Address | undefined): Sealing | undefined {
    const { bodies } = this;
    const asked = compress === undefined ? {} : { compression: this.compressionOf(name, compress) };
    const sealing = bodies.sealingOf(name, { ...asked, encrypt, isForOthers: isOfOthers(format) });
    if (sealing !== undefined && BODY_ALONE.includes(format.name)) return unsealed(name, format.name, sealing);
    if (sealing === undefined || address === undefined || !this.wire.reads(address)) return sealing;
    if (sealing.encrypts || asked.compression !== undefined) {
      throw new StrictWireError(`Task "${name}" is to be ${sealing.encrypts ? 'encrypted' : 'compressed'}, and Go may read what is sent there (wire: 'gofort-strict'), which drops in silence what it cannot read. Send it as it is (encrypt: false, compress: false), or where only workers of this library read.`, { task: name });
    }
    return { ...sealing, compression: undefined };
  }

  private compressionOf(task: string, compress: boolean | string): Sealing['compression'] {
    if (compress === false) return undefined;
    const { compressions, compression } = this.bodies.parts;
    const usual = compression?.compression ?? compressions.find('gzip');
    const known = compress === true ? usual : compressions.find(compress);
    if (known === undefined) throw new InvalidTaskError(`Task "${task}": compress is ${display(compress)}, which is no way to compress that is known here.`, { task, compress });
    return { with: known, minBytes: 0 };
  }

  nameOf(task: AddressedTask): string {
    return this.of(task).name;
  }

  /** Whether another system reads it. @throws InvalidTaskError */
  isForOthers(task: AddressedTask): boolean {
    return isOfOthers(this.of(task));
  }

  private of({ format, routingKey, name }: AddressedTask): Format {
    if (format === undefined) return this.byKey.size === 0 ? this.otherwise : this.byKey.get(routingKey) ?? this.otherwise;
    const known = this.formats.find(format);
    if (known !== undefined) return known;
    throw new InvalidTaskError(`Task "${name}": ${display(format)} is no format. The formats are ${this.formats.names.join(', ')}; those of your own stand in formats of the dispatcher's configuration.`, { task: name, format });
  }

  private readingAs(format: Format): ReadingFormat {
    const known = this.readings.get(format) ?? this.formats.reading(format);
    this.readings.set(format, known);
    return known;
  }
}

/** What cannot be recognised is named beside it, so that whoever of us takes it knows. */
function written(format: Format, task: Task): EncodedTask {
  if (format === gofortFormat) return format.encode(task);
  const message = format.encode(task);
  if (format.recognises === undefined) message.properties.headers = { ...message.properties.headers, [Header.format]: format.name };
  return message;
}

/** Of them nothing is kept but the body, in the lists of their own system. */
const BODY_ALONE: readonly string[] = ['sidekiq', 'goworkers', 'gocraft'];

/** @throws InvalidTaskError rather than to send in clear what is meant to be secret */
function unsealed(task: string, format: string, { encrypts }: Sealing): undefined {
  if (!encrypts) return undefined;
  throw new InvalidTaskError(`Task "${task}" is to be encrypted, and the format "${format}" has no place beside the body to say so. Send it in another format, or with encrypt: false.`, { task, format });
}

/** Read by another system, which knows nothing of how we pack bodies. */
function isOfOthers(format: Format): boolean {
  return format !== gofortFormat && BUILT_IN_FORMATS.includes(format);
}

/** What is packed is recognised by nothing of it. */
function named(format: Format, message: EncodedTask): EncodedTask {
  if (format === gofortFormat) return message;
  return { body: message.body, properties: { ...message.properties, headers: { ...message.properties.headers, [Header.format]: format.name } } };
}
