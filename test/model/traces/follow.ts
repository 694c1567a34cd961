import { runTlc, type TlcRun } from '../tlc.js';

/** A line of a trace: what happened, to whom, and what more the specification compares. */
export type TraceLine = { readonly what: string } & Readonly<Record<string, string | number | boolean>>;
export type Trace = readonly TraceLine[];

/** One trace, and where it was refused; absent where every line of it is allowed. */
export interface Followed { readonly trace: Trace; readonly refusedAt?: number }

/**
 * Has TLC look whether each trace is a behaviour of a specification, all of them in one run.
 *
 * @param spec `Settle`, of which `specs/SettleTrace.tla` says what lines mean
 */
export async function follow(spec: string, traces: readonly Trace[], bounds: Pick<TlcRun, 'constants' | 'operators'>): Promise<Followed[]> {
  const { constants, operators } = bounds;
  const { output } = await runTlc({
    spec: `${spec}Trace`, specification: 'TraceSpec', constants: { ...constants, Mistake: 'none' }, ...operators === undefined ? {} : { operators },
    invariants: ['Followed'], modules: { Recorded: recordedModule(traces) },
  });
  const furthest = new Map<number, number>();
  for (const [, trace, line] of output.matchAll(/<<"followed", (\d+), (\d+)>>/g)) furthest.set(Number(trace), Math.max(Number(line), furthest.get(Number(trace)) ?? 0));
  return traces.map((trace, index) => {
    const next = furthest.get(index + 1) ?? 1;
    return next > trace.length ? { trace } : { trace, refusedAt: next - 1 };
  });
}

/** The traces, and who is in them, as TLA+. */
function recordedModule(traces: readonly Trace[]): string {
  const names = [...new Set(traces.flat().flatMap(({ by }) => (by === undefined ? [] : [String(by)])))];
  return [
    '---- MODULE Recorded ----', 'EXTENDS Sequences',
    `Traces == <<\n${traces.map((trace) => `  <<${trace.map(lineText).join(',\n    ')}>>`).join(',\n')}\n>>`,
    `RecordedNames == {${names.map((name) => JSON.stringify(name)).join(', ')}}`,
    '====', '',
  ].join('\n');
}

function lineText(line: TraceLine): string {
  return `[${Object.entries(line).map(([name, value]) => `${name} |-> ${typeof value === 'boolean' ? String(value).toUpperCase() : JSON.stringify(value)}`).join(', ')}]`;
}

/** Traces that say the same are one; in the order of their first. */
export function distinct(traces: readonly Trace[]): { trace: Trace; count: number }[] {
  const counts = new Map<string, { trace: Trace; count: number }>();
  for (const trace of traces) {
    const key = JSON.stringify(trace);
    const known = counts.get(key);
    counts.set(key, { trace, count: (known?.count ?? 0) + 1 });
  }
  return [...counts.values()];
}
