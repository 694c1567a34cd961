import type { Session } from './session/session.js';
import type { Settings } from './settings/settings.js';
import type { Terminal } from './terminal.js';
import type { ExitCode } from './exit-code.js';
import type { Progress } from './output/progress.js';

/**
 * One verb of the command line, as data: the program, its help, the completion of shells and the documentation are made
 * of the same table.
 */
export interface Verb {
  /** `send`, or `dead list`. */
  readonly name: string;
  /** One line. */
  readonly summary: string;
  /** What more there is to know; a line each. */
  readonly notes?: readonly string[];
  readonly arguments?: readonly VerbArgument[];
  readonly options?: readonly VerbOption[];
  /** The command without the program's name, and what it does. */
  readonly examples: readonly (readonly [command: string, what: string])[];
  /** It needs no broker: exchange and broker may be missing. */
  readonly offline?: true;
  readonly run: (context: VerbContext, call: VerbCall) => Promise<Answer>;
}

export interface VerbArgument {
  /** `<queue>`, `[uuids...]`. */
  readonly name: string;
  readonly about: string;
  readonly choices?: readonly string[];
}

export interface VerbOption {
  /** `--limit <count>`. */
  readonly flags: string;
  readonly about: string;
  /** @throws UsageError */
  readonly parse?: (text: string, previous: unknown) => unknown;
  readonly choices?: readonly string[];
  /** As it is shown; the verb itself knows it. */
  readonly fallback?: string;
}

/** What was written. */
export interface VerbCall {
  readonly args: readonly (string | readonly string[] | undefined)[];
  readonly options: Readonly<Record<string, unknown>>;
}

export interface VerbContext {
  readonly terminal: Terminal;
  readonly settings: Settings;
  /** Aborted by Ctrl-C, with an InterruptedError as its reason. */
  readonly signal: AbortSignal;
  /** Whether the answer is to be JSON. */
  readonly json: boolean;
  /** Connected; closed when the verb has ended. @throws what keeps it from being used */
  readonly open: (settings?: Settings) => Promise<Session>;
  /** A bar for long work; seen on terminals only. */
  readonly progress: (what: string, total: number | undefined) => Progress;
}

/** What a verb has to say. */
export interface Answer {
  /** For `--json`: its shape is public. `undefined`: all has been printed already. */
  readonly data: unknown;
  /** For people. */
  readonly text: string;
  readonly exitCode?: ExitCode;
}

export function textArgument(call: VerbCall, index: number): string {
  return call.args[index] as string;
}

export function listArgument(call: VerbCall, index: number): readonly string[] {
  return (call.args[index] ?? []) as readonly string[];
}

/** An option as its parser has left it. */
export function option<T>(call: VerbCall, name: string): T | undefined {
  return call.options[name] as T | undefined;
}
