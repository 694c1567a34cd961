import { InvalidTaskError, StrictWireError } from '../errors.js';
import type { EncodedTask, Format } from '../formats/format.js';
import type { Formats, ReadingFormat } from '../formats/formats.js';
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
    private readonly wire: Pick<StrictWire, 'add' | 'reads'>,
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
    return written(this.of(task), task);
  }

  /** For what goes straight to this queue. @throws InvalidTaskError */
  encodeFor(queue: string, task: Task): EncodedTask {
    return written(this.byQueue.get(queue) ?? this.otherwise, task);
  }

  nameOf(task: AddressedTask): string {
    return this.of(task).name;
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
