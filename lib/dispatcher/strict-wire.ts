import type { Address, Message } from '../brokers/broker.js';
import { StrictWireError } from '../errors.js';
import { harmToGo } from '../task/gofort-strict.js';
import { Header } from '../task/headers.js';
import { stricter, type WireOption } from '../task/wire.js';

/** What is known of a queue and of who reads it. */
export interface WiredQueue {
  readonly name: string;
  readonly bindingKeys?: readonly string[];
  readonly wire?: WireOption;
}

/**
 * Which queues Go may read, and what must not get there from this process because it harms it, whoever sends it: a publish,
 * a schedule, a step of a workflow, a retry, a replayed dead letter. It is asked before the broker, so that no way leads past.
 */
export class StrictWire {
  private readonly queues = new Map<string, WireOption>();
  private readonly keys = new Map<string, WireOption>();
  private isStrict: boolean;

  /** @param otherwise who reads the queues of which nothing is said */
  constructor(private readonly otherwise: WireOption, queues: readonly WiredQueue[]) {
    this.isStrict = otherwise === 'gofort-strict';
    this.add(...queues);
  }

  /** Also those that come at run time. What was strict once stays so. */
  add(...queues: readonly WiredQueue[]): void {
    for (const { name, bindingKeys = [], wire } of queues) {
      note(this.queues, name, wire);
      for (const key of bindingKeys) note(this.keys, key, this.queues.get(name) ?? this.otherwise);
      if (wire === 'gofort-strict') this.isStrict = true;
    }
  }

  /** Why it must not go there. Where Go reads nothing, nothing is looked at. */
  refusal(message: Message, address: Address): StrictWireError | undefined {
    return this.isStrict && this.concerns(message, address) ? refusalOf(message, address) : undefined;
  }

  /** Whether Go may read what is sent there. */
  reads(address: Address): boolean {
    const wire = 'queue' in address ? this.queues.get(address.queue) : this.keys.get(address.routingKey);
    return (wire ?? this.otherwise) === 'gofort-strict';
  }

  /** A dead letter goes where nobody consumes. */
  private concerns({ properties: { headers } }: Message, address: Address): boolean {
    if (headers?.[Header.deadReason] !== undefined) return false;
    return this.reads(address);
  }
}

/** Says nothing of how the bytes were packed. */
const PLAIN_TEXT = /^(utf-?8|us-ascii|binary|identity)$/i;

function note(of: Map<string, WireOption>, name: string, wire: WireOption | undefined): void {
  const known = stricter(of.get(name), wire);
  if (known !== undefined) of.set(name, known);
}

function refusalOf({ body, properties }: Message, address: Address): StrictWireError | undefined {
  if (properties.contentEncoding !== undefined && !PLAIN_TEXT.test(properties.contentEncoding)) {
    return new StrictWireError(`A message with the content_encoding ${properties.contentEncoding} is not sent to ${placeOf(address)}: Go may read it (wire: 'gofort-strict'), and drops in silence what it cannot read.`, { uuid: properties.messageId, ...address });
  }
  const task = taskIn(body);
  const harm = harmToGo(task?.args);
  if (task === undefined || harm === undefined) return undefined;
  const { index, type, found, instead } = harm;
  return new StrictWireError(
    `Task "${String(task.name)}": argument ${index + 1} ${found}. Go may read what is sent to ${placeOf(address)} (wire: 'gofort-strict'). `
    + `${instead}, or send the task where only workers of this library read.`,
    { task: task.name, uuid: task.uuid ?? properties.messageId, index, type, ...address });
}

function placeOf(address: Address): string {
  return 'queue' in address ? `the queue "${address.queue}"` : `the routing key "${address.routingKey}"`;
}

/** What is no JSON, or no task, Go refuses before it looks at arguments. */
function taskIn(body: Buffer): { name?: unknown; uuid?: unknown; args?: unknown } | undefined {
  try {
    const content: unknown = JSON.parse(body.toString());
    return typeof content === 'object' && content !== null ? content : undefined;
  } catch {
    return undefined;
  }
}
