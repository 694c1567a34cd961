import { ConfigurationError } from '../errors.js';
import { display } from '../task/argument-types.js';

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
const LONGEST_TEXT = 1_000;

/** @throws ConfigurationError for what names nothing, or more than one thing */
export function targetOf(target: PauseTarget): { kind: PauseKind; name: string } {
  const fields = typeof target === 'object' && target !== null ? target as Partial<Record<PauseKind, unknown>> : {};
  const kinds = KINDS.filter((kind) => fields[kind] !== undefined);
  const [kind] = kinds;
  const name = kind === undefined ? undefined : fields[kind];
  if (kind === undefined || kinds.length > 1 || typeof name !== 'string' || name === '') {
    throw new ConfigurationError(`Name what is meant as { queue }, { task } or { worker }, one of them; found ${display(target)}.`, { target });
  }
  return { kind, name };
}

/** @throws ConfigurationError where somebody later would not know who, or why */
export function checkPauseOptions(options: PauseOptions): PauseOptions {
  for (const field of ['by', 'reason'] as const) {
    const value: unknown = (options as PauseOptions | undefined)?.[field];
    if (typeof value !== 'string' || value === '' || value.length > LONGEST_TEXT) {
      throw new ConfigurationError(`pause needs { by, reason }, each a text of 1 to ${LONGEST_TEXT} characters: others will want to know. Found ${display(value)} for ${field}.`, { field });
    }
  }
  return { by: options.by, reason: options.reason };
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
