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

const UNIQUE: TracedProtocol = {
  name: 'Unique',
  follow: (traces) => follow('Unique', traces, { constants: { MaxExpired: 0, MaxFaults: MOST_FAULTS }, operators: { Tasks: 'RecordedNames' } }),
};

const CHORD: TracedProtocol = {
  name: 'Chord',
  follow: (traces) => follow('Chord', traces, {
    constants: { MaxCopies: most(traces, (trace) => times(trace, 'call')), MaxFaults: MOST_FAULTS },
    operators: { Members: 'RecordedMembers', Processes: 'RecordedProcesses' },
  }),
};

const LEASE: TracedProtocol = {
  name: 'Lease',
  follow: (traces) => follow('Lease', traces, {
    constants: { LooksUntilDead: 3, MaxCopies: most(traces, (trace) => times(trace, 'copy')), MaxFaults: MOST_FAULTS, MayFreeze: false },
    operators: { Processes: 'RecordedNames' },
  }),
};

const LEDGER: TracedProtocol = {
  name: 'Ledger',
  follow: (traces) => follow('Ledger', traces, {
    constants: { MaxRecords: most(traces, (trace) => times(trace, 'write', 'keeping')), MaxAsked: 0, MaxFaults: MOST_FAULTS },
    operators: { Clients: 'RecordedClients' },
  }),
};

export const TRACED: readonly TracedProtocol[] = [SETTLE, LEDGER, CHORD, LEASE, UNIQUE];
