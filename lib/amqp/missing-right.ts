/** What RabbitMQ grants to a user in a virtual host, each by a pattern of names. */
export type Right = 'configure' | 'write' | 'read';

export interface MissingRight {
  readonly right: Right;
  readonly kind: 'queue' | 'exchange';
  readonly name: string;
  readonly vhost: string;
  readonly user: string;
}

/** `configure access to queue 'q' in vhost '/' refused for user 'u'`; before 4.0 without the first word. */
const REFUSED = /(?:(configure|write|read) )?access to (queue|exchange) '(.*?)' in vhost '(.*?)' refused for user '(.*?)'/s;
/** What amqplib says before it: `Operation failed: QueueBind; 403`. */
const OPERATION = /Operation failed: (\w+);/;

/** What a name of ours is there for: the first that fits. */
const USES: readonly (readonly [RegExp, string])[] = [
  [/^amq\.default$/, 'retries, dead letters, results that are sent back, and whatever else goes straight to one queue'],
  [/^amq\.gen-/, 'hearing at once of pauses, cancellations and schedules, and for inspection'],
  [/\.inspection\.v1$/, 'inspection, by which processes are asked what they do'],
  [/\.control\.v1(\.|$)/, 'pauses, cancellations and schedules'],
  [/\.replies\.v1\./, 'results that are sent back to the caller'],
  [/\.browse\.v1\./, 'looking through dead letters and other queues, one walk at a time'],
  [/\.delay\.v2\./, 'delayed tasks and retries after a pause'],
  [/\.undelivered$/, 'delayed tasks that reach no queue when they are due'],
  [/\.ledger(\.requests)?\.v1$/, 'what processes keep together without another store'],
  [/\.dead$/, 'dead letters'],
];

/** Names that end differently in each process, or are many: their pattern names what they have in common. */
const FAMILY = /^(amq\.gen-|.*\.(?:replies|browse)\.v1\.|.*\.delay\.v2\.)/s;

/** Which right a refusal is about, if it is about one. */
export function missingRightIn(text: string): MissingRight | undefined {
  const match = REFUSED.exec(text);
  if (match === null) return undefined;
  const [, named, kind, name, vhost, user] = match as unknown as [string, Right | undefined, MissingRight['kind'], string, string, string];
  return { right: named ?? rightFor(OPERATION.exec(text)?.[1], kind), kind, name, vhost, user };
}

/** Who lacks what, what it is needed for, and how an operator grants it. */
export function missingRightText(missing: MissingRight): string {
  const { right, kind, name, vhost, user } = missing;
  const use = USES.find(([pattern]) => pattern.test(name))?.[1];
  return `The user "${user}" has no ${right} right on the ${kind} "${name}" in the virtual host "${vhost}", which is needed ${purpose(right, kind)}`
    + `${use === undefined ? '' : ` (for ${use})`}. Add ${patternOf(name)} to the user's ${right} pattern: ${grantText([missing])}`;
}

/** How an operator grants rights to one user in one virtual host. */
export function grantText(missing: readonly [MissingRight, ...MissingRight[]]): string {
  const [{ vhost, user }] = missing;
  const patterns = (right: Right): string => quoted([...new Set([`<${right}>`, ...missing.filter((one) => one.right === right).map(({ name }) => patternOf(name))])].join('|'));
  return `rabbitmqctl set_permissions -p ${quoted(vhost)} ${quoted(user)} ${patterns('configure')} ${patterns('write')} ${patterns('read')}, `
    + `with the patterns of now, as \`rabbitmqctl list_user_permissions ${quoted(user)}\` shows them, in the places of <...>.`;
}

/** Servers before 4.0 do not say which; the operation and the kind of what it was about do. */
function rightFor(operation: string | undefined, kind: MissingRight['kind']): Right {
  if (operation !== undefined && /^(Queue|Exchange)(Declare|Delete)$/.test(operation)) return 'configure';
  if (operation !== undefined && /Bind$|Unbind$/.test(operation)) return kind === 'queue' ? 'write' : 'read';
  if (/^(Basic(Consume|Get)|QueuePurge)$/.test(operation ?? '')) return 'read';
  // The server closed the channel by itself: for a publish, which has no answer, or a consumer.
  return kind === 'exchange' ? 'write' : 'read';
}

function purpose(right: Right, kind: MissingRight['kind']): string {
  if (right === 'configure') return 'to declare or to remove it';
  if (right === 'read') return kind === 'queue' ? 'to take messages from it' : 'to bind queues to it';
  return kind === 'queue' ? 'to bind it' : 'to publish to it';
}

function patternOf(name: string): string {
  const family = FAMILY.exec(name)?.[1];
  return family === undefined ? `^${escaped(name)}$` : `^${escaped(family)}`;
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

function quoted(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
