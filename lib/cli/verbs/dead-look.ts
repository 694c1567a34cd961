import type { DeadLetter } from '../../dead-letters/dead-letter.js';
import { RefusedError } from '../failures.js';
import { count } from '../options.js';
import { toJson } from '../output/json.js';
import { counted, fields, shortened, table } from '../output/text.js';
import { option, textArgument, type Verb } from '../verb.js';
import { conditionsOf, FILTER, QUEUE } from './dead-letter-filter.js';

export const deadList: Verb = {
  name: 'dead list',
  summary: 'the dead letters of a queue, the oldest first',
  arguments: [QUEUE],
  options: [
    ...FILTER,
    { flags: '--limit <count>', about: 'how many at most, to 1000', parse: count, fallback: '50' },
    { flags: '--after <cursor>', about: 'the next page: "next" of the page before' },
  ],
  examples: [
    ['dead list orders', 'the oldest 50'],
    ['dead list orders --name charge --since 2h --json', 'what failed lately, for a script'],
  ],
  run: async ({ open }, call) => {
    const queue = textArgument(call, 0);
    const [limit, after] = [option<number>(call, 'limit'), option<string>(call, 'after')];
    const { letters, next, total, truncated } = await (await open()).parts.deadLetters.list(queue, {
      filter: conditionsOf(call), ...limit === undefined ? {} : { limit }, ...after === undefined ? {} : { after },
    });
    const rows = letters.map(({ id, name, reason, attempt, at, error, problem }) => [id, name, reason, attempt, at, shortened(error ?? problem ?? '', 80)]);
    const more = [
      `${counted(letters.length, 'dead letter')} shown, ${total} in the queue`,
      ...next === undefined ? [] : [`more: --after ${next}`],
      ...truncated ? ['there are more than can be looked through: the rest is seen when some are gone'] : [],
    ];
    return {
      data: { queue, letters: letters.map(dataOf), total, truncated, next },
      text: `${letters.length === 0 ? '' : `${table(['ID', 'TASK', 'REASON', 'ATTEMPT', 'DIED', 'ERROR'], rows)}\n\n`}${more.join('\n')}`,
    };
  },
};

export const deadShow: Verb = {
  name: 'dead show',
  summary: 'one dead letter with all that is known of it',
  arguments: [QUEUE, { name: '<id>', about: 'its id' }],
  examples: [['dead show orders 3f0c6f3e-5a8b-4f0e-9a51-0d8b4d7c2a11', 'arguments, error, stack and every attempt']],
  run: async ({ open }, call) => {
    const [queue, id] = [textArgument(call, 0), textArgument(call, 1)];
    const letter = await (await open()).parts.deadLetters.get(queue, id);
    if (letter === undefined) throw noSuchLetter(queue, [id]);
    return { data: dataOf(letter), text: describe(letter) };
  },
};

export function noSuchLetter(queue: string, ids: readonly string[]): RefusedError {
  return new RefusedError(`The dead letters of "${queue}" have none with the id ${ids.join(', ')}. \`dead list ${queue}\` shows which there are.`, { queue, ids });
}

/** The body as text where it is some, else as base64. */
export function dataOf({ body, ...letter }: DeadLetter): Record<string, unknown> {
  const text = body.toString('utf8');
  return { ...letter, ...Buffer.from(text).equals(body) ? { body: text } : { bodyBase64: body } };
}

function describe(letter: DeadLetter): string {
  const { id, uuid, name, reason, error, attempt, replays, at, queue, worker, exchange, routingKey, problem, issues, args, body, headers, history, stack } = letter;
  const parts = [fields([
    ['id', id], ['uuid', uuid === id ? undefined : uuid], ['task', name], ['reason', reason], ['error', error], ['attempt', attempt],
    ['replays', replays === 0 ? undefined : replays], ['died', at], ['queue', queue], ['worker', worker], ['exchange', exchange], ['routing key', routingKey], ['problem', problem],
  ])];
  if (issues !== undefined) parts.push(['issues:', ...issues.map((issue) => `  ${issue}`)].join('\n'));
  if (args !== undefined) parts.push(['arguments:', ...args.map(({ type, value }, index) => `  ${index}  ${type}  ${toJson(value)}`)].join('\n'));
  else parts.push(`body (${counted(body.length, 'byte')}):\n  ${shortened(body.toString('utf8'), 2_000)}`);
  if (Object.keys(headers).length > 0) parts.push(`headers:\n  ${toJson(headers)}`);
  if (history.length > 0) parts.push(['attempts:', ...history.map((one) => `  ${toJson(one)}`)].join('\n'));
  if (stack !== undefined) parts.push(`stack:\n${stack}`);
  return parts.join('\n\n');
}
