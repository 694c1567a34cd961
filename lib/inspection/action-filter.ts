import { finite, text } from '../task/option-kinds.js';
import { checkOptions, type OptionTable } from '../task/options.js';
import { limitOf, type ListOptions } from './inspect-options.js';
import type { ActionFilter, ActionInfo } from './model.js';
import { matchesName } from '../task/name-pattern.js';

const FILTER: OptionTable<ActionFilter> = { action: text(), by: text(), since: finite, until: finite };

/** @throws ConfigurationError */
export function checkActions(list: (ActionFilter & ListOptions) | undefined): { filter: ActionFilter; limit: number } {
  const { limit, ...filter } = list ?? {};
  return { filter: checkOptions<ActionFilter>(filter, FILTER, { of: 'The filter of audit', example: "{ action: 'dead-letters.*' }" }), limit: limitOf(limit) };
}

/** Whether all that is asked for holds. */
export function matchesAction({ action, by, since, until }: ActionFilter, found: ActionInfo): boolean {
  return (action === undefined || matchesName(action, found.action)) && (by === undefined || by === found.by)
    && (since === undefined || found.at >= since) && (until === undefined || found.at < until);
}
