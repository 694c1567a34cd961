import { InvalidTaskError } from '../errors.js';
import { toHandlerValue } from '../task/argument-types.js';
import { Header } from '../task/headers.js';
import { keyWithoutLevel } from '../task/queue-lines.js';
import type { Task } from '../task/task.js';
import { bodyUuid } from './body-uuid.js';
import type { ArrivedMessage, EncodedTask, Format } from './format.js';
import { goJson } from '../task/go-json.js';
import { inferredArgument, isInferred } from './inferred.js';
import { malformed, nonEmptyString, readJson } from './read-json.js';

/**
 * Hutch, hutch-schedule and wppurking/event: the body is bare JSON, the handler's one argument, and the routing key is the
 * name. It cannot be seen from a message that it is one of theirs. Source: Hutch 1.4.0 and event 0b5b127, as observed.
 */
export const hutchFormat: Format = {
  name: 'hutch',
  contentType: 'application/json',
  namesByRoutingKey: true,

  encode({ uuid, name, args, headers }: Task): EncodedTask {
    const [argument] = args;
    if (argument === undefined || args.length > 1 || !isInferred(argument)) {
      throw new InvalidTaskError(`Task "${name}": the format "hutch" has one argument, which is the body as plain JSON${argument === undefined || args.length > 1 ? `, and ${args.length} were given` : `, and no place for the type ${argument.type} of this value`}. Pass one object.`, { task: name });
    }
    return { body: Buffer.from(goJson(argument.value)), properties: { contentType: 'application/json', messageId: uuid, headers } };
  },

  decode(message: ArrivedMessage): Task {
    const name = nameOf(message);
    if (name === undefined) throw malformed('the routing key must say its name', message.routingKey);
    const { type, value } = inferredArgument(readJson(message.body, 'JSON, the argument of the handler'));
    return { uuid: uuidOf(message, name), name, args: [{ type, value: toHandlerValue(type, value) }], headers: message.properties.headers, arrived: { format: 'hutch' } };
  },

  identify(message: ArrivedMessage): { uuid?: string; name?: string } {
    const name = nameOf(message);
    return { uuid: uuidOf(message, name ?? ''), name };
  },
};

/** Where it was published first; after one of its own delays that is the first of `CC`, and the routing key is that of the delay. */
function nameOf({ routingKey, properties: { headers } }: ArrivedMessage): string | undefined {
  const origin = headers?.[Header.originRoutingKey];
  const copied = headers?.CC;
  const key = nonEmptyString(origin) ?? (Array.isArray(copied) ? nonEmptyString(copied[0]) : undefined) ?? nonEmptyString(routingKey);
  return key === undefined ? undefined : keyWithoutLevel(key, headers ?? {}) ?? key;
}

/** Both write one. Without it, equal messages of one second are taken for the same. */
function uuidOf({ body, properties: { messageId, timestamp } }: ArrivedMessage, name: string): string {
  return nonEmptyString(messageId) ?? bodyUuid(`${name} ${timestamp ?? ''} `, body);
}
