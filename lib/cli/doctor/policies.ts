import { deadLetterQueueOf } from '../../task/dead-letter-queue.js';
import { undeliveredQueueOf } from '../../task/undelivered.js';
import { UsageError } from '../failures.js';
import { fromJson, toJson } from '../output/json.js';
import { type Finding, ok, problem } from './finding.js';

interface Policy {
  readonly name: string;
  readonly vhost: string;
  readonly pattern: string;
  readonly 'apply-to'?: string;
  readonly definition: Readonly<Record<string, unknown>>;
  readonly priority?: number;
}

/** What each key does to a work queue, and to a queue that only we use; absent: no harm. */
const HARM: Readonly<Record<string, { readonly work?: string; readonly own?: string }>> = {
  'max-length': { work: 'drops tasks beyond it, the oldest first, unless overflow is reject-publish' },
  'max-length-bytes': { work: 'drops tasks beyond it, the oldest first, unless overflow is reject-publish' },
  'message-ttl': { work: 'drops tasks that wait for longer, unless dead-letter-exchange says where to', own: 'takes messages away, which a living process brings back; what expires twice while none lives is gone' },
  expires: { work: 'deletes the queue with all that is in it when nobody has used it for that time', own: 'deletes the queue with all that is in it when nobody has used it for that time' },
};

/**
 * Which policies do harm to which of our queues.
 *
 * @param text what `rabbitmqctl list_policies --formatter json` prints
 * @throws UsageError where it is something else
 */
export function policyFindings(text: string, vhost: string, exchange: string, queues: readonly string[]): Finding[] {
  const policies = parse(text).filter((policy) => policy.vhost === vhost);
  const work = queues.map((name) => ({ name, kind: 'work' as const }));
  const own = [
    ...queues.flatMap((name) => [deadLetterQueueOf(name), `${name}.lines`]), undeliveredQueueOf(exchange),
    ...['control.v1', 'control.v1.schedules', 'delay.v2.00', 'delay.v2.near', 'delay.v2.due', 'delay.v2.wheel', 'delay.v2.wheel.0.00', 'ledger.v1', 'ledger.requests.v1', 'replies.v1.example'].map((end) => `${exchange}.${end}`),
  ].map((name) => ({ name, kind: 'own' as const }));
  const findings = [...work, ...own].flatMap(({ name, kind }) => harmOf(policies, name, kind));
  return findings.length > 0 ? findings : [ok('policies', `Of ${policies.length} policies of the virtual host "${vhost}" none does harm to the queues of this exchange.`)];
}

/** Of the policies that fit a queue, the server takes the one of the highest priority alone. */
function harmOf(policies: readonly Policy[], queue: string, kind: 'work' | 'own'): Finding[] {
  const [policy] = policies.filter((one) => one['apply-to'] !== 'exchanges' && new RegExp(one.pattern).test(queue)).sort((a, b) => (b.priority ?? 0) - (a.priority ?? 0));
  if (policy === undefined) return [];
  const { definition, name } = policy;
  return Object.keys(definition).flatMap((key) => {
    const harm = HARM[key]?.[kind];
    if (harm === undefined || isHarmless(key, definition)) return [];
    return [problem('policies', `The policy "${name}" (${policy.pattern}) has ${key} ${toJson(definition[key])} for the queue "${queue}": it ${harm}.`,
      `Give it a pattern that leaves this queue out: rabbitmqctl set_policy ${name} <pattern> '${toJson(definition)}'; or remove it: rabbitmqctl clear_policy ${name}`)];
  });
}

function isHarmless(key: string, definition: Policy['definition']): boolean {
  if (key.startsWith('max-length')) return /^reject-publish/.test(String(definition['overflow'])) || definition['dead-letter-exchange'] !== undefined;
  return key === 'message-ttl' && definition['dead-letter-exchange'] !== undefined;
}

function parse(text: string): Policy[] {
  try {
    const list = fromJson(text) as (Omit<Policy, 'definition'> & { readonly definition: unknown })[];
    return list.map((policy) => {
      new RegExp(policy.pattern);
      const definition = typeof policy.definition === 'string' ? fromJson(policy.definition) : policy.definition;
      return { ...policy, definition: definition as Policy['definition'] };
    });
  } catch {
    throw new UsageError('The policies cannot be read. Make the file by: rabbitmqctl list_policies -p / --formatter json > policies.json');
  }
}
