import { randomUUID } from 'node:crypto';
import type { ActionEvent } from '../../events/action-event.js';
import type { EventStamp } from '../../events/event-stamp.js';
import { messageOf, shortened } from '../../task/error-text.js';
import { matchesAction } from '../action-filter.js';
import type { ActionFilter, ActionInfo } from '../model.js';
import { Ring } from './ring.js';

const MOST_KEPT = 500;
const LONGEST_ERROR = 500;

/** What was done lately by this process, and what it was told of by those that have ended. */
export class ActionBook {
  private readonly ring = new Ring<ActionInfo>(MOST_KEPT);
  private readonly own = new Ring<ActionInfo>(MOST_KEPT);

  constructor(private readonly where: { readonly host: string; readonly pid: number }) {}

  /** Writes it down, as it will be told. */
  add(event: ActionEvent & EventStamp): ActionInfo {
    const { at, action: name, by, reason, what } = event;
    const action: ActionInfo = {
      id: randomUUID(), at, ...this.where, action: name, ...(by === undefined ? {} : { by }), ...(reason === undefined ? {} : { reason }), what, ...outcomeOf(event),
    };
    this.ring.push(action);
    this.own.push(action);
    return action;
  }

  /** Of another process. */
  addForeign(action: ActionInfo): void {
    for (const { id } of this.ring.newestFirst()) if (id === action.id) return;
    this.ring.push(action);
  }

  /** The newest first. */
  list(filter: ActionFilter, limit: number): ActionInfo[] {
    const found: ActionInfo[] = [];
    for (const action of this.ring.newestFirst()) {
      if (matchesAction(filter, action)) found.push(action);
      if (found.length >= limit) break;
    }
    return found;
  }

  /** What this process itself did last. */
  lastOwn(most: number): ActionInfo[] {
    return [...this.own.newestFirst()].slice(0, most);
  }
}

function outcomeOf(event: ActionEvent): Pick<ActionInfo, 'count' | 'failed' | 'error'> {
  if (event.type === 'action.failed') return { error: shortened(messageOf(event.error), LONGEST_ERROR) };
  const { count, failed = 0 } = event;
  return { ...(count === undefined ? {} : { count }), ...(failed === 0 ? {} : { failed }) };
}
