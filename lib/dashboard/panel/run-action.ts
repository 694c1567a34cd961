import type { ActionAnswer, AuditEntry } from '../answers.js';
import type { Fields } from '../http/fields.js';
import { notFound, Refusal } from '../http/refusal.js';
import { messageOf } from '../../task/error-text.js';
import { ACTIONS } from './actions.js';
import type { Panel } from './panel.js';

/** Fields that say what was done to what; arguments and headers of tasks are nobody's business but theirs. */
const AUDITED = [
  'kind', 'name', 'queue', 'id', 'uuid', 'key', 'reason', 'error', 'search', 'before', 'since', 'routingKey', 'delaySeconds', 'priority', 'expected', 'group', 'text', 'limit', 'signal',
] as const;
const LONGEST = 300;

/** Does it, and writes down who did. @throws Refusal, and what the dispatcher throws */
export async function runAction(panel: Panel, name: string, fields: Fields, by: string): Promise<ActionAnswer> {
  const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
  if (action === undefined) throw notFound('There is no such action.');
  const entry = { at: Date.now(), by, dispatcher: panel.name, action: name, what: auditedOf(fields) };
  try {
    const answer = await action(panel, fields, by);
    panel.audit.add({ ...entry, ...(answer.count === undefined ? {} : { count: answer.count }) });
    return answer;
  } catch (error) {
    panel.audit.add({ ...entry, error: messageOf(error).slice(0, LONGEST) }, error instanceof Refusal);
    throw error;
  } finally {
    panel.answers.forget();
  }
}

function auditedOf(fields: Fields): AuditEntry['what'] {
  const given = AUDITED.map((name) => [name, fields.raw(name)] as const).filter(([, value]) => value !== undefined && value !== '');
  const uuids = fields.raw('uuids');
  return Object.fromEntries<unknown>([
    ...given.map(([name, value]) => [name, typeof value === 'number' ? value : String(value).slice(0, LONGEST)] as const),
    ...(Array.isArray(uuids) ? [['uuids', uuids.slice(0, 20).map(String)] as const] : []),
  ]);
}
