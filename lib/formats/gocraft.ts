import { isUtf8 } from 'node:buffer';
import { InvalidTaskError } from '../errors.js';
import { attemptIn, Header } from '../task/headers.js';
import { goJson, sortedKeys } from '../task/go-json.js';
import { JsonMembers } from '../task/json-members.js';
import type { Task, TaskHeaders } from '../task/task.js';
import type { ArrivedMessage, EncodedTask, Format } from './format.js';
import { isObject, malformed, nonEmptyString, readJsonObject } from './read-json.js';

const CONTENT_TYPE = 'application/json';
const KEYS = '{"name","id","t","args"}';

/**
 * Jobs of gocraft/work: arguments have names, and no places. On a broker of Redis the queue is the namespace, with its lists
 * of what is in progress, its locks and its sets. Source: gocraft/work v0.5.1, as observed.
 */
export const gocraftFormat: Format = {
  name: 'gocraft',
  contentType: CONTENT_TYPE,
  hasKwargs: true,

  encode(task: Task): EncodedTask {
    const known = task.arrived?.format === 'gocraft' ? (task.arrived.envelope as string) : undefined;
    const job = known === undefined ? JsonMembers.of({ name: '', id: '', t: '0', args: '' }) : JsonMembers.parse(known);
    job.set('name', JSON.stringify(task.name)).set('id', JSON.stringify(task.uuid)).set('args', argumentsText(task));
    return { body: Buffer.from(job.toString()), properties: { contentType: CONTENT_TYPE, messageId: task.uuid, headers: task.headers } };
  },

  decode(message: ArrivedMessage): Task {
    const job = readJsonObject(message.body, KEYS);
    const { id, name, args } = job;
    const uuid = nonEmptyString(id);
    if (uuid === undefined) throw malformed('"id" must be a string that is not empty', id);
    if (typeof name !== 'string' || name === '') throw malformed('"name" must be a string that is not empty', name);
    if (args !== null && args !== undefined && !isObject(args)) throw malformed('"args" must be an object or null', args);
    return {
      uuid, name, ...(isObject(args) ? { args: [{ type: 'json', value: args }], hasKwargs: true } : { args: [] }),
      headers: workerHeaders(job, message.properties.headers), arrived: { format: 'gocraft', envelope: message.body.toString() },
    };
  },

  identify({ body }: ArrivedMessage): { uuid?: string; name?: string } {
    try {
      const { id, name } = readJsonObject(body, KEYS);
      return { uuid: nonEmptyString(id), name: nonEmptyString(name) };
    } catch {
      return {};
    }
  },

  recognises({ body }: ArrivedMessage, content: () => unknown): boolean {
    if (!isUtf8(body)) return false;
    const job = content();
    return isObject(job) && typeof job.name === 'string' && typeof job.id === 'string' && typeof job.t === 'number' && 'args' in job;
  },
};

/** @throws InvalidTaskError */
function argumentsText({ name, args }: Task): string {
  const [named, ...more] = args;
  if (named === undefined) return 'null';
  if (more.length === 0 && isObject(named.value)) return goJson(sortedKeys(named.value));
  throw new InvalidTaskError(`Task "${name}": a job of gocraft/work has arguments by name, and none by their place; ${args.length} were given. Pass one object: kwargs, or args: [{ type: 'json', value: { ... } }].`, { task: name });
}

function workerHeaders({ fails }: Record<string, unknown>, headers: TaskHeaders | undefined): TaskHeaders | undefined {
  if (typeof fails !== 'number' || !Number.isSafeInteger(fails) || fails <= 0 || attemptIn(headers) > 1) return headers;
  return { ...headers, [Header.attempt]: fails + 1 };
}
