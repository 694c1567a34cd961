import { messageOf } from '../task/error-text.js';
import type { ActionFacts } from './action-event.js';
import type { EventRows, TypesOf } from './event-row.js';

/** Of what somebody does. */
export const ACTION_ROWS: EventRows<TypesOf<'action'>> = {
  'action.performed': {
    level: 'log', fields: { action: true, by: true, reason: true, what: true, count: true, failed: true },
    text: (event) => `${actionText(event)}${event.count === undefined ? '' : `: ${event.count} concerned`}${(event.failed ?? 0) === 0 ? '' : `, ${event.failed} failed`}.${reasonText(event)}`,
  },
  'action.failed': {
    // Whoever wanted it is told by the error, and says what it is worth.
    level: 'log', fields: { action: true, by: true, reason: true, what: true, error: true },
    text: (event) => `${actionText(event)} failed: ${messageOf(event.error)}${reasonText(event)}`,
  },
};

/** Names are somebody's words: in quotes, so that none passes for more than it is. */
function actionText({ action, by, what }: ActionFacts): string {
  const concerned = Object.entries(what).map(([name, value]) => `${name} ${JSON.stringify(value)}`).join(', ');
  return `Action "${action}"${concerned === '' ? '' : ` on ${concerned}`}${by === undefined ? '' : ` by ${JSON.stringify(by)}`}`;
}

function reasonText({ reason }: ActionFacts): string {
  return reason === undefined ? '' : ` Reason: ${JSON.stringify(reason)}`;
}
