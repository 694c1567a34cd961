import type { ActionItem, ActionResult } from '../../dispatcher/actions/action-result.js';
import { printable } from '../output/text.js';
import type { Answer } from '../verb.js';

const MOST_LISTED = 20;

/** What a dry run says. @param what is done: `called off` */
export function wouldBe({ matched, concerned, failed, truncated }: ActionResult, what: string): Answer {
  const listed = concerned.slice(0, MOST_LISTED).map(lineOf);
  const rest = matched > listed.length ? ['...'] : [];
  const text = [`${truncated ? 'at least ' : ''}${matched} would be ${what}`, ...listed, ...listed.length > 0 ? rest : [], ...failed.map(({ id, error }) => `not ${printable(id)}: ${error}`), ...moreOf({ truncated })];
  return { data: { dryRun: true, matched, concerned, failed, truncated }, text: text.join('\n') };
}

export function moreOf({ truncated }: Pick<ActionResult, 'truncated'>): string[] {
  return truncated ? ['there are more than were looked through: call it again, or with a larger --peek'] : [];
}

function lineOf({ id, name, queue, count }: ActionItem): string {
  return `  ${[id, name, queue === undefined || queue === id ? undefined : `in ${queue}`, count].filter((part) => part !== undefined).map(printable).join('  ')}`;
}
