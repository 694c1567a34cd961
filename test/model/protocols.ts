import type { TlcRun } from './tlc.js';

type Constants = TlcRun['constants'];

/** What is done wrong on purpose, and what has to notice. */
export interface PlantedMistake {
  readonly mistake: string;
  readonly breaks: string;
  /** Where the smallest bounds do not show it. */
  readonly bounds?: Constants;
}

/** One specification of `specs/`, the bounds that it is checked with, and what must hold. */
export interface Protocol {
  readonly name: string;
  readonly about: string;
  /** The constants whose values are alike. */
  readonly alike: readonly string[];
  /** In seconds, with each change. */
  readonly small: Constants;
  /** In minutes, by `npm run model`. */
  readonly large: readonly Constants[];
  /** For liveness, without symmetry; absent where only safety is checked. */
  readonly live?: { readonly bounds: Constants; readonly property: string; readonly mistake: string };
  readonly invariants: readonly string[];
  readonly properties?: readonly string[];
  readonly mistakes: readonly PlantedMistake[];
}

/** Temporal properties are checked together, and TLC does not say which one failed. */
export const LIVENESS = 'Temporal properties';

export const PROTOCOLS: readonly Protocol[] = [
  {
    name: 'Settle', about: 'publish, confirm, settle', alike: ['Workers'],
    small: { Workers: ['a', 'b'], MaxMessages: 2, MaxAttempts: 1, MaxFaults: 1 },
    large: [
      { Workers: ['a', 'b'], MaxMessages: 3, MaxAttempts: 2, MaxFaults: 1 },
      { Workers: ['a', 'b'], MaxMessages: 3, MaxAttempts: 1, MaxFaults: 2 },
    ],
    live: { bounds: { Workers: ['a'], MaxMessages: 3, MaxAttempts: 2, MaxFaults: 1 }, property: 'Ends', mistake: 'never-sent-again' },
    invariants: ['AcceptedIsKept', 'SettledLast', 'FailureIsBuried'],
    properties: ['RecordStays'],
    mistakes: [
      { mistake: 'accept-unconfirmed', breaks: 'AcceptedIsKept' },
      { mistake: 'ack-before-confirm', breaks: 'SettledLast' },
      { mistake: 'ack-before-record', breaks: 'SettledLast' },
      { mistake: 'record-before-burial', breaks: 'FailureIsBuried' },
      { mistake: 'record-overwritten', breaks: 'RecordStays' },
    ],
  },
  {
    name: 'Ledger', about: 'the ledger\'s change of keeper', alike: ['Clients'],
    small: { Clients: ['a', 'b'], MaxRecords: 3, MaxAsked: 2, MaxFaults: 1 },
    large: [
      { Clients: ['a', 'b'], MaxRecords: 5, MaxAsked: 3, MaxFaults: 1 },
      { Clients: ['a', 'b'], MaxRecords: 4, MaxAsked: 3, MaxFaults: 2 },
    ],
    invariants: ['OneOwner', 'OwnerIsKept', 'FreedStaysFree', 'NobodyUnknowing'],
    mistakes: [
      { mistake: 'answer-unconfirmed', breaks: 'OneOwner', bounds: { MaxRecords: 4 } },
      { mistake: 'released-unconfirmed', breaks: 'OwnerIsKept', bounds: { MaxRecords: 4 } },
      { mistake: 'released-without-proof', breaks: 'FreedStaysFree', bounds: { MaxRecords: 4 } },
      { mistake: 'late-writes', breaks: 'OwnerIsKept', bounds: { MaxRecords: 4 } },
      { mistake: 'repeated-anew', breaks: 'NobodyUnknowing', bounds: { MaxRecords: 5, MaxAsked: 3 } },
    ],
  },
  {
    name: 'Chord', about: 'the count of a chord', alike: ['Members', 'Processes'],
    small: { Members: ['m1', 'm2'], Processes: ['p', 'q'], MaxCopies: 3, MaxFaults: 1 },
    large: [{ Members: ['m1', 'm2', 'm3'], Processes: ['p', 'q'], MaxCopies: 3, MaxFaults: 2 }],
    live: { bounds: { Members: ['m1', 'm2'], Processes: ['p', 'q'], MaxCopies: 3, MaxFaults: 1 }, property: 'Ends', mistake: 'called-only-by-who-added' },
    invariants: ['AfterTheLast', 'DecidedOnce', 'StartedOnce', 'NotLost'],
    mistakes: [
      { mistake: 'count-without-names', breaks: 'AfterTheLast' },
      { mistake: 'entry-overwritten', breaks: 'DecidedOnce' },
      { mistake: 'called-without-claim', breaks: 'StartedOnce' },
      { mistake: 'ack-before-call', breaks: 'NotLost' },
    ],
  },
  {
    name: 'Lease', about: 'taking over what runs for long', alike: ['Processes'],
    small: { Processes: ['p', 'q'], LooksUntilDead: 2, MaxCopies: 2, MaxFaults: 1, MayFreeze: true },
    large: [{ Processes: ['p', 'q', 'r'], LooksUntilDead: 3, MaxCopies: 3, MaxFaults: 2, MayFreeze: true }],
    live: { bounds: { Processes: ['p', 'q'], LooksUntilDead: 2, MaxCopies: 2, MaxFaults: 1, MayFreeze: true }, property: 'Ends', mistake: 'never-given-up' },
    invariants: ['NotLost'],
    properties: ['NoSecondStart'],
    mistakes: [
      { mistake: 'ack-before-copy', breaks: 'NotLost' },
      { mistake: 'never-renewed', breaks: 'NoSecondStart' },
      { mistake: 'taken-at-first-look', breaks: 'NoSecondStart' },
    ],
  },
  {
    name: 'Unique', about: 'the lock of unique tasks', alike: ['Tasks'],
    small: { Tasks: ['t', 'u'], MaxExpired: 1, MaxFaults: 1 },
    large: [{ Tasks: ['t', 'u', 'v'], MaxExpired: 2, MaxFaults: 2 }],
    invariants: ['OneHolder', 'HolderHasKey', 'RefusedForATask', 'NothingLeftBehind'],
    mistakes: [
      { mistake: 'claimed-over-another', breaks: 'OneHolder' },
      { mistake: 'freed-without-fence', breaks: 'HolderHasKey' },
      { mistake: 'freed-at-start', breaks: 'HolderHasKey' },
      { mistake: 'refused-undecided', breaks: 'RefusedForATask' },
      { mistake: 'ack-before-freed', breaks: 'NothingLeftBehind' },
    ],
  },
];

/** Safety, as the protocol is meant. */
export function safety({ name, alike, small, invariants, properties = [] }: Protocol, bounds: Constants): TlcRun {
  return { spec: name, constants: { ...bounds, Mistake: 'none' }, invariants, properties, symmetry: alike, isLarge: bounds !== small };
}

/** Of a mistake only what it has to break is looked at: it may break more, and sooner. */
export function withMistake({ name, alike, small, properties = [] }: Protocol, { mistake, breaks, bounds }: PlantedMistake): TlcRun {
  const isProperty = properties.includes(breaks);
  return { spec: name, constants: { ...small, ...bounds, Mistake: mistake }, symmetry: alike, ...isProperty ? { properties: [breaks] } : { invariants: [breaks] } };
}

export function liveness({ name }: Protocol, { bounds, property }: NonNullable<Protocol['live']>, mistake = 'none'): TlcRun {
  return { spec: name, constants: { ...bounds, Mistake: mistake }, properties: [property] };
}
