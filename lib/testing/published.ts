import type { Address, Message, PublishOptions, Topology } from '../brokers/broker.js';
import type { Format } from '../formats/format.js';
import { Formats } from '../formats/formats.js';
import { gofortFormat } from '../formats/gofort.js';
import { attemptIn, Header } from '../task/headers.js';
import { keyWithoutLevel } from '../task/queue-lines.js';
import type { Priority } from '../task/priority.js';
import type { Task, TaskHeaders } from '../task/task.js';
import { decodeEdgeMark } from '../task/edge-record.js';
import { uniqueMarkOf } from '../task/unique.js';
import type { UniqueScope } from '../task/unique-options.js';

/** Reads whatever is published in a format that is built in, and has no need of a key. */
const reading = new Formats().reading(gofortFormat);

/** A task that the application, a workflow or a schedule has published. @publicApi */
export interface PublishedRecord<Args extends readonly unknown[] = readonly unknown[]> {
  readonly uuid: string;
  readonly name: string;
  /** As they travelled: what was a `Date` is a text. */
  readonly args: Args;
  /** The name of the dispatcher. */
  readonly dispatcher: string;
  readonly routingKey: string;
  /** Which queues took it, or will take it when it is due; those of priorities not named. */
  readonly queues: readonly string[];
  /** Until it may run. 0: at once. */
  readonly delaySeconds: number;
  /** When it was published, by the clock of the test. */
  readonly publishedAt: Date;
  /** From when on it is not run any more. */
  readonly expiresAt?: Date;
  readonly priority: Priority;
  /** It holds a unique key: until when, and for how many seconds at most. */
  readonly unique?: { readonly scope: UniqueScope; readonly seconds: number };
  /** It waits for the end of a window of tasks of its key; see `published.edge`. */
  readonly edge?: 'debounce' | 'throttle';
  /** Of which schedule it is a tick. */
  readonly schedule?: string;
  /** The uuid of the workflow that it is a step of. */
  readonly workflow?: string;
  /** Headers of the application's own. */
  readonly headers: TaskHeaders;
}

/** Which queues exist, and what is bound to them. */
export class KnownQueues {
  private readonly keys = new Map<string, Set<string>>();

  add({ queues }: Topology): void {
    for (const { name, bindingKeys = [] } of queues) this.keys.set(name, new Set([...this.keys.get(name) ?? [], ...bindingKeys]));
  }

  of(routingKey: string): string[] {
    return [...this.keys].filter(([, keys]) => keys.has(routingKey)).map(([queue]) => queue);
  }
}

/** What such a message says of itself. `undefined`: it is no task that is published for the first time. */
export function recordOf(
  message: Message, address: Address, options: PublishOptions | undefined, { dispatcher, queues, now, format = reading }: { dispatcher: string; queues: KnownQueues; now: number; format?: Format | undefined },
): PublishedRecord | undefined {
  const headers = message.properties.headers ?? {};
  const isFirst = 'routingKey' in address && attemptIn(headers) === 1 && headers[Header.replays] === undefined && headers[Header.deadReason] === undefined;
  if (!isFirst) return undefined;
  const routingKey = keyWithoutLevel(address.routingKey, headers) ?? address.routingKey;
  const task = decoded(message, routingKey, format);
  if (task === undefined) return undefined;
  return {
    uuid: task.uuid, name: task.name, args: task.args.map(({ value }) => value), dispatcher, routingKey, queues: queues.of(routingKey),
    delaySeconds: (options?.delayMs ?? 0) / 1_000, publishedAt: new Date(now), priority: priorityOf(headers[Header.priority]), ...optional(headers), headers: own(headers),
  };
}

function decoded(message: Message, routingKey: string, format: Format): Task | undefined {
  try {
    return format.decode({ ...message, routingKey });
  } catch {
    // A note that is no task.
    return undefined;
  }
}

function optional(headers: TaskHeaders): Pick<PublishedRecord, 'expiresAt' | 'unique' | 'edge' | 'schedule' | 'workflow'> {
  const unique = uniqueMarkOf(headers);
  const edge = decodeEdgeMark(headers[Header.edge]);
  const { [Header.expires]: expires, [Header.schedule]: schedule, [Header.workflow]: workflow } = headers;
  return {
    ...(typeof expires === 'number' ? { expiresAt: new Date(expires) } : {}),
    ...(edge === undefined ? {} : { edge: edge.kind }),
    ...(unique === undefined ? {} : { unique: { scope: unique.scope, seconds: unique.seconds } }),
    ...(typeof schedule === 'string' ? { schedule } : {}),
    ...(typeof workflow === 'string' ? { workflow: workflow.split(' ', 1)[0]! } : {}),
  };
}

function priorityOf(header: unknown): Priority {
  return header === 'high' || header === 'low' ? header : 'normal';
}

function own(headers: TaskHeaders): TaskHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith('x-dispatcher-')));
}
