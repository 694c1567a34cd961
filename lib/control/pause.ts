import { ConfigurationError } from '../errors.js';
import { display } from '../task/argument-types.js';
import { text } from '../task/option-kinds.js';
import { checkOptions, type OptionTable } from '../task/options.js';

/** What is paused: one of the three, in every process of the exchange. @publicApi */
export type PauseTarget = { readonly queue: string } | { readonly task: string } | { readonly worker: string };

/** @publicApi */
export interface PauseOptions {
  /** Who pauses it. */
  readonly by: string;
  /** Why. */
  readonly reason: string;
}

/** A pause as it stands. @publicApi */
export interface Pause extends PauseOptions {
  readonly kind: PauseKind;
  /** Of the queue, task or worker. */
  readonly name: string;
  readonly since: Date;
}

/** @publicApi */
export type PauseKind = 'queue' | 'task' | 'worker';

const KINDS: readonly PauseKind[] = ['queue', 'task', 'worker'];
const name = text(255);
const TARGET: OptionTable<Record<PauseKind, string>> = { queue: name, task: name, worker: name };
const OPTIONS: OptionTable<PauseOptions> = { by: text(), reason: text() };

/** @throws ConfigurationError for what names nothing, or more than one thing */
export function targetOf(target: PauseTarget): { kind: PauseKind; name: string } {
  const fields = checkOptions<Partial<Record<PauseKind, string>>>(target, TARGET, { of: 'What is paused or resumed', example: "{ queue: 'orders' }, { task } or { worker }" });
  const [named, ...others] = KINDS.flatMap((kind) => (fields[kind] === undefined ? [] : [{ kind, name: fields[kind] }]));
  if (named === undefined || others.length > 0) {
    const found = named === undefined ? display(target) : [named, ...others].map(({ kind }) => kind).join(' and ');
    throw new ConfigurationError(`Name what is meant as { queue }, { task } or { worker }, one of them; found ${found}.`, { target });
  }
  return named;
}

/** @throws ConfigurationError where somebody later would not know who, or why */
export function checkPauseOptions(options: PauseOptions): PauseOptions {
  return checkOptions(options, OPTIONS, { of: 'pause', example: "{ by: 'ann', reason: 'the database moves' }, because others will want to know", required: ['by', 'reason'] });
}

export function pauseKey({ kind, name }: Pick<Pause, 'kind' | 'name'>): string {
  return `${kind}:${name}`;
}

export function encodePause({ kind, name, by, reason, since }: Pause): Buffer {
  return Buffer.from(JSON.stringify({ kind, name, by, reason, since: since.toISOString() }));
}

/** `undefined` for what is no note of a pause: somebody else's, or a newer version's. */
export function decodePause(body: Buffer): Pause | undefined {
  try {
    const { kind, name, by, reason, since } = JSON.parse(body.toString()) as Record<string, unknown>;
    if (!KINDS.includes(kind as PauseKind) || typeof name !== 'string' || typeof by !== 'string' || typeof reason !== 'string') return undefined;
    return { kind: kind as PauseKind, name, by, reason, since: new Date(String(since)) };
  } catch {
    return undefined;
  }
}
