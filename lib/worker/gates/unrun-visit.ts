import type { Delivery } from '../../brokers/broker.js';
import { attemptIn } from '../../task/headers.js';
import type { Task, TaskArgument, TaskHeaders } from '../../task/task.js';
import { cameBack } from '../came-back.js';
import type { Handler } from '../handler.js';
import { replyToOf } from '../reply-to.js';
import type { HandledVisit } from './task-gate.js';

const NO_HEADERS: Readonly<TaskHeaders> = Object.freeze({});
const NO_ARGS: readonly TaskArgument[] = Object.freeze([]);

/** A delivery that ends without having run; of one that could not be decoded only what its properties say is known. */
export function unrunVisit(delivery: Delivery, task: { uuid: string; name: string } & Partial<Task>, worker: string, handler?: Handler): HandledVisit {
  const headers = delivery.properties.headers ?? NO_HEADERS;
  return {
    uuid: task.uuid, name: task.name, args: task.args ?? NO_ARGS, headers, attempt: attemptIn(headers), queue: delivery.queue, worker,
    redelivered: cameBack(delivery), replyTo: replyToOf(delivery, task), arrived: task.arrived, handler,
  };
}
