import type { DeadLetter } from '../../index.js';
import type { DeadLetterCount, DeadLetterDetail, DeadLettersAnswer, ShownDeadLetter } from '../answers.js';
import { Fields } from '../http/fields.js';
import { notFound } from '../http/refusal.js';
import { LISTED, LOOKED_AT, type Curtain } from './curtain.js';
import { exactText } from './exact-json.js';
import type { Panel } from './panel.js';

const PAGE = 50;
const MOST_SHOWN_BODY = 20_000;

/** Which dead letters are meant; by what people see of them, so that nothing hidden can be found out by asking. */
export function deadLetterFilter(fields: Fields, curtain: Curtain): (letter: DeadLetter) => boolean {
  const [name, reason, error, search] = [fields.text('name'), fields.text('reason'), fields.text('error')?.toLowerCase(), fields.text('search')?.toLowerCase()];
  const before = fields.number('before', 0, 8.64e15);
  const since = fields.number('since', 0, 8.64e15);
  const isNamed = name === undefined ? undefined : nameMatcher(name);
  return (letter) => (isNamed === undefined || (letter.name !== undefined && isNamed(letter.name)))
    && (reason === undefined || letter.reason === reason)
    && (error === undefined || curtain.text(letter.error ?? '', letter).toLowerCase().includes(error))
    && (search === undefined || letter.id.toLowerCase() === search || curtain.searchable(letter.args, letter).toLowerCase().includes(search))
    && (before === undefined || (letter.at !== undefined && letter.at.getTime() < before))
    && (since === undefined || (letter.at !== undefined && letter.at.getTime() >= since));
}

export function listDeadLetters({ service, curtain, deadLetterTurns }: Panel, fields: Fields): Promise<DeadLettersAnswer> {
  const queue = fields.required('queue');
  const after = fields.text('after');
  const filter = deadLetterFilter(fields, curtain);
  return deadLetterTurns.take(async () => {
    const { letters, next, total, truncated } = await service.deadLetters.list(queue, { limit: PAGE, filter, ...(after === undefined ? {} : { after }) });
    return { letters: letters.map((letter) => shownLetter(letter, curtain, LISTED)), total, truncated, ...(next === undefined ? {} : { next }) };
  });
}

/** How many an action with this filter would concern. */
export function countDeadLetters({ service, curtain, deadLetterTurns }: Panel, fields: Fields): Promise<DeadLetterCount> {
  const queue = fields.required('queue');
  const fits = deadLetterFilter(fields, curtain);
  return deadLetterTurns.take(async () => {
    let count = 0;
    const filter = (letter: DeadLetter): boolean => {
      if (fits(letter)) count++;
      return false;
    };
    const { total, truncated } = await service.deadLetters.list(queue, { limit: 1, filter });
    return { count, total, truncated };
  });
}

export function lookAtDeadLetter({ service, curtain, deadLetterTurns }: Panel, fields: Fields): Promise<DeadLetterDetail> {
  const [queue, id] = [fields.required('queue'), fields.required('id')];
  return deadLetterTurns.take(async () => {
    const letter = await service.deadLetters.get(queue, id);
    if (letter === undefined) throw notFound('This dead letter is not there any more: it was replayed or discarded.');
    return letterDetail(letter, curtain);
  });
}

function shownLetter(letter: DeadLetter, curtain: Curtain, room: number): ShownDeadLetter {
  const { id, uuid, name, queue, reason, error, attempt, replays, at, worker, position, problem, args } = letter;
  return {
    id, queue, reason, attempt, replays, position, args: curtain.args(args, letter, room),
    ...(uuid === undefined ? {} : { uuid }), ...(name === undefined ? {} : { name }), ...(worker === undefined ? {} : { worker }),
    ...(error === undefined ? {} : { error: curtain.text(error, letter) }), ...(at === undefined ? {} : { at: at.getTime() }),
    ...(problem === undefined ? {} : { problem: curtain.text(problem, letter) }),
  };
}

function letterDetail(letter: DeadLetter, curtain: Curtain): DeadLetterDetail {
  const { stack, issues = [], headers, routingKey, exchange, history, args, body } = letter;
  const shown = shownLetter(letter, curtain, LOOKED_AT);
  const shownHeaders = curtain.headers(headers, letter);
  const isWhole = args !== undefined && shown.args.redacted !== true && shown.args.list?.length === args.length && shown.args.list.every(({ cut }) => cut !== true);
  return {
    ...shown, routingKey, exchange, issues: issues.map((issue) => curtain.text(issue, letter)),
    history: history.map(({ attempt, at, worker, error }) => ({ attempt, at, worker, error: curtain.text(error, letter) })),
    ...(stack === undefined ? {} : { stack: curtain.text(stack, letter, 20_000) }),
    ...(shownHeaders === undefined ? {} : { headers: shownHeaders }),
    ...(args === undefined && !curtain.hidesArguments ? { body: curtain.text(body.subarray(0, MOST_SHOWN_BODY).toString(), letter, MOST_SHOWN_BODY) } : {}),
    ...(isWhole ? { editable: exactText(args, 2) } : {}),
  };
}

/** `*` stands for any text. Not by a regular expression, which many stars would keep busy for long. */
function nameMatcher(pattern: string): (name: string) => boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return (name) => name === pattern;
  return (name) => {
    if (!name.startsWith(first)) return false;
    let from = first.length;
    for (const part of rest) {
      const found = name.indexOf(part, from);
      if (found === -1) return false;
      from = found + part.length;
    }
    return name.length - last.length >= from && name.endsWith(last);
  };
}
