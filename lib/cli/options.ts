import { userInfo, hostname } from 'node:os';
import { UsageError } from './failures.js';
import { display } from '../task/argument-types.js';
import { option, type VerbCall, type VerbOption } from './verb.js';

const UNITS: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 };

/** `90`, `1.5h`, `250ms`, in seconds. @throws UsageError */
export function seconds(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text);
  if (match === null) throw new UsageError(`expected a duration such as 90, 90s, 15m, 2h or 7d; found ${display(text)}.`);
  return Number(match[1]) * (UNITS[match[2] ?? 's'] as number);
}

/** @throws UsageError */
export function count(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) throw new UsageError(`expected a whole number from 0; found ${display(text)}.`);
  return value;
}

/** An instant, or how long ago: `2026-05-01T12:00:00Z`, `2h`. @throws UsageError */
export function instant(text: string): Date {
  if (/^\d+(\.\d+)?(ms|s|m|h|d)$/.test(text)) return new Date(Date.now() - seconds(text) * 1000);
  const time = new Date(text);
  if (!/^\d{4}-/.test(text) || Number.isNaN(time.getTime())) {
    throw new UsageError(`expected a time such as 2026-05-01T12:00:00Z, or how long ago, such as 2h; found ${display(text)}.`);
  }
  return time;
}

/** For an option that may be given several times. */
export function collected(text: string, previous: unknown): readonly string[] {
  return [...(previous as readonly string[] | undefined ?? []), text];
}

/** Who does it, where nobody says so. */
export function whoIsHere(): string {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    // A user without an entry, in a container for one.
    return `uid ${process.getuid?.() ?? 'unknown'}@${hostname()}`;
  }
}

export const YES: VerbOption = { flags: '-y, --yes', about: 'do it without asking; needed where there is no terminal' };
export const DRY_RUN: VerbOption = { flags: '--dry-run', about: 'only count what would be done' };
export const BY: VerbOption = { flags: '--by <who>', about: 'who does it, for others to see', fallback: 'user@host' };
export const REASON: VerbOption = { flags: '--reason <why>', about: 'why, for others to see' };

/** Beside `--reason`, which is that of dead letters. */
export const BECAUSE: VerbOption = { ...REASON, flags: '--because <why>' };

/** Who does it, and why, for the audit. @param why the option that says it */
export function whoAndWhy(call: VerbCall, why = 'reason'): { by: string; reason?: string } {
  const reason = option<string>(call, why);
  return { by: option<string>(call, 'by') ?? whoIsHere(), ...reason === undefined ? {} : { reason } };
}
