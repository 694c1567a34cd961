import type { BrowsedMessage, Message } from '../brokers/broker.js';
import { InvalidTaskError, TaskTooLargeError } from '../errors.js';
import type { Format } from '../formats/format.js';
import { ReadingFormat } from '../formats/formats.js';
import { completeTask } from '../task/complete-task.js';
import { countHeader, Header, republishableHeaders } from '../task/headers.js';
import type { Task, TaskArgument, TaskHeaders } from '../task/task.js';
import type { DeadLetter } from './dead-letter.js';

/** What a death has written, and what counts towards the next one: a replay starts anew. */
const ENDED: readonly string[] = [
  Header.attempt, Header.returns, Header.passes, Header.redeliveries, Header.pauses, Header.due, Header.steps, Header.expires, Header.delayed,
  Header.deadReason, Header.deadError, Header.deadStack, Header.deadIssues, Header.deadAt, Header.deadQueue, Header.deadWorker, Header.deadDropped,
];

/** The dead letter as a task again: the same uuid, its history, attempt 1; the same bytes unless its arguments change. */
export function replayMessage(letter: DeadLetter, original: BrowsedMessage, args: TaskArgument[] | undefined, format: Format, maxTaskBytes: number): Message {
  const headers = replayHeaders(original.properties.headers);
  if (args === undefined) return { body: letter.body, properties: { ...original.properties, headers } };
  const task = editedTask(letter, args);
  // It is to run with these, and not with what was left to it.
  delete headers[Header.edge];
  const { body, properties } = format.encode({ ...decoded(original, format), ...task, headers });
  if (body.length > maxTaskBytes) {
    throw new TaskTooLargeError(`Dead letter ${letter.id} with these arguments has ${body.length} bytes; at most ${maxTaskBytes} may travel (maxTaskBytes).`,
      { id: letter.id, bytes: body.length, maxTaskBytes });
  }
  const plain = { body, properties: { ...original.properties, ...properties, headers: { ...properties.headers, ...headers } } };
  return format instanceof ReadingFormat ? format.rewritten(original, plain, task.name) : plain;
}

/** In another format its message says more, which stays as it is. */
function decoded(message: BrowsedMessage, format: Format): Pick<Task, 'arrived' | 'hasKwargs'> {
  try {
    const { arrived, hasKwargs } = format.decode(message);
    return { ...(arrived === undefined ? {} : { arrived }), ...(hasKwargs === undefined ? {} : { hasKwargs }) };
  } catch {
    return {};
  }
}

function replayHeaders(original: TaskHeaders | undefined): TaskHeaders {
  const headers = republishableHeaders(original);
  for (const name of ENDED) delete headers[name];
  headers[Header.replays] = countHeader(original, Header.replays, 0) + 1;
  return headers;
}

/** @throws InvalidTaskError as `publish` would */
function editedTask({ id, uuid, name }: DeadLetter, args: TaskArgument[]): { uuid: string; name: string; args: TaskArgument[] } {
  if (name === undefined) {
    throw new InvalidTaskError(`Dead letter ${id} names no task, so it cannot get other arguments. Publish the task that it should be, and discard it.`, { id });
  }
  const newUuid = (): never => {
    throw new InvalidTaskError(`Dead letter ${id} has no uuid, so it cannot get other arguments. Publish the task that it should be, and discard it.`, { id });
  };
  const task = completeTask({ name, args, ...(uuid === undefined ? {} : { uuid }) }, { routingKey: '', newUuid, now: () => 0 });
  return { uuid: task.uuid, name, args: task.args };
}
