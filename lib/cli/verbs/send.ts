import { PRIORITIES, type Priority } from '../../task/priority.js';
import type { HeaderValue, TaskInput } from '../../task/task.js';
import { UsageError } from '../failures.js';
import { BY, collected, instant, REASON, seconds, whoAndWhy } from '../options.js';
import { fromJson, toJson } from '../output/json.js';
import { fields } from '../output/text.js';
import { taskArgument } from '../task-arguments.js';
import { listArgument, option, textArgument, type Answer, type Verb, type VerbCall, type VerbContext } from '../verb.js';

const DEFAULT_WAIT_SECONDS = 30;

export const send: Verb = {
  name: 'send',
  summary: 'publish one task',
  notes: [
    'An argument is JSON where it can be read as such, else text; a type before it decides: int64:5, string:5, float64:1, json:{"a":1}, []int:[1,2].',
    'It is accepted once the broker has confirmed it. A task that reaches no queue is refused.',
  ],
  arguments: [{ name: '<task>', about: 'name of the task' }, { name: '[arguments...]', about: 'its arguments, in order' }],
  options: [
    { flags: '--routing-key <key>', about: 'where to', fallback: 'the defaultRoutingKey of the configuration, else the name of the exchange' },
    { flags: '--uuid <uuid>', about: 'its identity', fallback: 'a new one' },
    { flags: '--header <name=value>', about: 'a header; the value as JSON or text. May be repeated', parse: collected },
    { flags: '--delay <duration>', about: 'not before this has passed', parse: seconds },
    { flags: '--eta <time>', about: 'not before this time, such as 2026-05-01T12:00:00Z' },
    { flags: '--expires <duration>', about: 'not after this has passed', parse: seconds },
    { flags: '--priority <priority>', about: 'how urgent it is', choices: PRIORITIES },
    { flags: '--unique <key>', about: 'only if no other task of this name and key waits or runs' },
    BY, REASON,
    { flags: '--wait [duration]', about: `wait for the result, ${DEFAULT_WAIT_SECONDS} seconds unless said otherwise`, parse: seconds },
  ],
  examples: [
    ['send mail.send ada@example.com 3', 'a text and an int'],
    ['send charge int64:9007199254740993 --delay 15m', 'an exact 64-bit integer, in a quarter of an hour'],
    ['send add 1 2 --wait 10s --json', 'waits for what the handler returns'],
  ],
  run: publish,
};

async function publish(context: VerbContext, call: VerbCall): Promise<Answer> {
  const task = taskOf(call);
  const { parts } = await context.open();
  const published = await parts.audited({ action: 'send', ...whoAndWhy(call), what: { name: task.name } }, () => parts.publishing.publisher.publish(task, []), () => ({ count: 1 }));
  const { uuid, unique } = published;
  const said = { uuid, name: task.name, ...unique === undefined ? {} : { unique } };
  if (task.result !== true) return { data: said, text: unique?.taken === false ? `not taken: ${unique.uuid} holds the key` : uuid };
  const wait = option<number | true>(call, 'wait');
  const result = await published.result({ timeoutSeconds: wait === true || wait === undefined ? DEFAULT_WAIT_SECONDS : wait });
  return { data: { ...said, result }, text: fields([['uuid', uuid], ['result', toJson(result)]]) };
}

/** @throws UsageError */
function taskOf(call: VerbCall): TaskInput {
  const given = <Name extends string>(name: Name, value: unknown): object => (value === undefined ? {} : { [name]: value });
  const unique = option<string>(call, 'unique');
  return {
    name: textArgument(call, 0), args: listArgument(call, 1).map(taskArgument),
    ...given('routingKey', option(call, 'routingKey')), ...given('uuid', option(call, 'uuid')), ...given('headers', headersOf(option(call, 'header'))),
    ...given('delaySeconds', option(call, 'delay')), ...given('expiresInSeconds', option(call, 'expires')), ...given('priority', option<Priority>(call, 'priority')),
    ...given('eta', etaOf(option(call, 'eta'))), ...given('unique', unique === undefined ? undefined : { key: unique, scope: 'untilFinished' }),
    ...option(call, 'wait') === undefined ? {} : { result: true },
  };
}

/** What has passed already is no mistake: then it runs at once. */
function etaOf(text: string | undefined): Date | undefined {
  if (text !== undefined && !/^\d{4}-/.test(text)) throw new UsageError('--eta takes a time such as 2026-05-01T12:00:00Z; for a duration write --delay 2h.');
  return text === undefined ? undefined : instant(text);
}

function headersOf(texts: readonly string[] | undefined): Record<string, HeaderValue> | undefined {
  return texts === undefined ? undefined : Object.fromEntries(texts.map((text) => {
    const at = text.indexOf('=');
    if (at < 1) throw new UsageError('--header takes name=value, such as --header tenant=7.');
    return [text.slice(0, at), headerValue(text.slice(at + 1))];
  }));
}

function headerValue(text: string): HeaderValue {
  try {
    const value = fromJson(text);
    return typeof value === 'bigint' ? text : value as HeaderValue;
  } catch {
    return text;
  }
}
