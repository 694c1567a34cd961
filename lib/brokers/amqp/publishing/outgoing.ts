import { ReceivedProperties } from '../../../amqp/received-properties.js';
import { type Message, RECEIVED } from '../../broker.js';
import type { TaskHeaders } from '../../../task/task.js';

let takenResolve: () => void;
let takenReject: (error: Error) => void;

/** Shared by all: a closure for each publish would be garbage for each publish. */
function take(resolve: () => void, reject: (error: Error) => void): void {
  takenResolve = resolve;
  takenReject = reject;
}

/**
 * One publish on its way. It carries the fields of `basic.publish` and of its properties under
 * amqplib's names, so that it is itself what amqplib encodes and nothing is copied.
 */
export class Outgoing {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
  settled = false;
  /** The bytes went out at least once: the outcome may be unknown. */
  sent = false;
  returned = false;
  nacks = 0;
  /** Unconfirmed when the server closed the channel for something sent on it: goes again, but alone. */
  suspect = false;
  /** Channels that ended while this alone was unconfirmed. */
  closures = 0;

  readonly mandatory = true;
  readonly immediate = false;
  readonly ticket = 0;
  readonly deliveryMode = 2;
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  readonly headers: TaskHeaders;
  readonly priority: number | undefined;
  readonly correlationId: string | undefined;
  readonly replyTo: string | undefined;
  readonly expiration = undefined;
  readonly messageId: string | undefined;
  readonly timestamp: number | undefined;
  readonly type: string | undefined;
  readonly userId = undefined;
  readonly appId: string | undefined;
  readonly clusterId = undefined;
  readonly body: Buffer;
  /** How the properties of a message that is sent on had arrived. */
  readonly received: ReceivedProperties | undefined;

  constructor(
    message: Message,
    readonly exchange: string,
    readonly routingKey: string,
    /** On the publisher's clock. */
    readonly deadline: number,
  ) {
    this.promise = new Promise<void>(take);
    this.resolve = takenResolve;
    this.reject = takenReject;
    const { properties } = message;
    this.body = message.body;
    const received = properties[RECEIVED];
    this.received = received instanceof ReceivedProperties ? received : undefined;
    this.contentType = properties.contentType;
    this.contentEncoding = properties.contentEncoding;
    this.headers = properties.headers ?? NO_HEADERS;
    this.priority = properties.priority;
    this.correlationId = properties.correlationId;
    this.replyTo = properties.replyTo;
    this.messageId = properties.messageId;
    this.timestamp = properties.timestamp;
    this.type = properties.type;
    this.appId = properties.appId;
  }

  /** Nothing travels beside the body but what it is and its id. */
  get isBare(): boolean {
    return this.headers === NO_HEADERS && this.received === undefined && this.messageId !== undefined && this.contentEncoding === undefined && this.priority === undefined
      && this.correlationId === undefined && this.replyTo === undefined && this.timestamp === undefined && this.type === undefined && this.appId === undefined;
  }

  /** What this counts for in the bound on waiting bytes: the body, and a round figure for what is around it. */
  get bytes(): number {
    return this.body.length + OVERHEAD_BYTES;
  }
}

const NO_HEADERS: TaskHeaders = Object.freeze({});
const OVERHEAD_BYTES = 512;
