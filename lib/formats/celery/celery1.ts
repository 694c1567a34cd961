import type { Task } from '../../task/task.js';
import { Header } from '../../task/headers.js';
import type { ArrivedMessage, EncodedTask, Format } from '../format.js';
import { readInstant } from '../instant.js';
import { pythonJson } from '../python-json.js';
import { isObject, malformed, nonEmptyString, readJsonObject } from '../read-json.js';
import { argumentText, joinArguments, splitArguments } from './celery.js';
import { isEmpty, isoOf } from './celery-signature.js';

const KEYS = '{"id","task","args","kwargs"}';

/** Celery's protocol 1, as gocelery and Celery 3.1 write it: all of a task stands in the body. Source: gocelery 825d890, as observed. */
export const celery1Format: Format = {
  name: 'celery1',
  contentType: 'application/json',
  hasKwargs: true,

  encode(task: Task): EncodedTask {
    const { args, kwargs } = splitArguments(task);
    const { [Header.due]: due, [Header.expires]: expires } = task.headers ?? {};
    const times = { eta: isoOf(typeof due === 'number' ? due : undefined), expires: isoOf(typeof expires === 'number' ? expires : undefined) };
    const known = task.arrived?.format === 'celery1' ? (task.arrived.envelope as Record<string, unknown>) : { retries: 0, ...times };
    const rest = Object.entries(known).filter(([key]) => !['id', 'task', 'args', 'kwargs'].includes(key)).map(([key, value]) => `, ${pythonJson(key)}: ${pythonJson(value)}`);
    const text = `{"id": ${pythonJson(task.uuid)}, "task": ${pythonJson(task.name)}, "args": [${args.map(argumentText).join(', ')}], "kwargs": ${pythonJson(kwargs)}${rest.join('')}}`;
    return { body: Buffer.from(text), properties: { contentType: 'application/json', contentEncoding: 'utf-8', correlationId: task.uuid, messageId: task.uuid, headers: task.headers } };
  },

  decode(message: ArrivedMessage): Task {
    const content = readJsonObject(bytesOf(message), KEYS);
    const { id, task, args, kwargs } = content;
    const [uuid, name] = [nonEmptyString(id), nonEmptyString(task)];
    if (uuid === undefined) throw malformed('"id" must be a string that is not empty', id);
    if (name === undefined) throw malformed('"task" must be a string that is not empty', task);
    if (!Array.isArray(args ?? [])) throw malformed('"args" must be a list', args);
    if (!isObject(kwargs ?? {})) throw malformed('"kwargs" must be an object', kwargs);
    const expires = timeOf(content.expires);
    const { headers } = message.properties;
    return {
      uuid, name, ...joinArguments((args ?? []) as unknown[], (kwargs ?? {}) as Record<string, unknown>),
      headers: expires === undefined ? headers : { [Header.expires]: expires, ...headers },
      arrived: { format: 'celery1', envelope: content, notBefore: timeOf(content.eta), unsupported: unsupportedIn(content) },
    };
  },

  identify(message: ArrivedMessage): { uuid?: string; name?: string } {
    try {
      const { id, task } = readJsonObject(bytesOf(message), KEYS);
      return { uuid: nonEmptyString(id), name: nonEmptyString(task) };
    } catch {
      return {};
    }
  },

  recognises(_message: ArrivedMessage, content: () => unknown): boolean {
    const body = content();
    return isObject(body) && nonEmptyString(body.id) !== undefined && nonEmptyString(body.task) !== undefined && Array.isArray(body.args) && isObject(body.kwargs ?? {}) && 'kwargs' in body;
  },
};

function bytesOf({ body, properties }: ArrivedMessage): Buffer {
  return properties.contentEncoding === 'base64' ? Buffer.from(body.toString('latin1'), 'base64') : body;
}

function timeOf(value: unknown): number | undefined {
  return typeof value === 'string' ? readInstant(value) : undefined;
}

function unsupportedIn(content: Record<string, unknown>): string | undefined {
  const follows = ['callbacks', 'errbacks', 'chord', 'chain'].find((key) => !isEmpty(content[key]));
  return follows === undefined ? undefined : `its ${follows} are not carried on from Celery's protocol 1. Send it with protocol 2 (task_protocol = 2).`;
}
