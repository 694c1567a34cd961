import { follow, type Followed, type Trace } from './follow.js';

/** A specification that traces can be held against. */
export interface TracedProtocol {
  readonly name: string;
  follow(traces: readonly Trace[]): Promise<Followed[]>;
}

const MOST_FAULTS = 1_000;

function most(traces: readonly Trace[], count: (trace: Trace) => number): number {
  return Math.max(1, ...traces.map(count));
}

const times = (trace: Trace, ...what: string[]): number => trace.filter((line) => what.includes(line.what)).length;

const SETTLE: TracedProtocol = {
  name: 'Settle',
  follow: (traces) => follow('Settle', traces, {
    constants: { MaxMessages: most(traces, (trace) => times(trace, 'publish')), MaxAttempts: 2, MaxFaults: MOST_FAULTS },
    operators: { Workers: 'RecordedWorkers' },
  }),
};

export const TRACED: readonly TracedProtocol[] = [SETTLE];
