/** Where a run stands. From `ending` on it is decided how it ends, and whatever else comes of it comes too late. */
export const RunPhase = {
  /** Its delivery was taken; whether it is to run here is still looked at. */
  offered: 0,
  /** The very same attempt runs here already, and settles this delivery with its own. */
  joined: 1,
  /** It holds a slot; its limits and gates are asked. */
  admitted: 2,
  /** Its handler was called. */
  running: 3,
  /** How it ends is being recorded. */
  ending: 4,
  /** As `ending`, by its timeout: its handler may run on, and nobody waits for it. */
  overdue: 5,
  /** Our own code failed at its end: it is being ended otherwise. */
  rescued: 6,
  /** Its delivery was acknowledged, or went back. */
  settled: 7,
  /** Its slot, if it had one, is free: nothing is to come. */
  left: 8,
  /** A worker that closes waits for it no longer. What is under way may still settle its delivery; else the broker has it. */
  abandoned: 9,
} as const;
export type RunPhase = (typeof RunPhase)[keyof typeof RunPhase];

/** What happens to a run. */
export const RunStep = {
  admit: 0,
  join: 1,
  /** Its handler is called. */
  call: 2,
  /** How it ends is clear: by its handler, or because it is not to run. */
  decide: 3,
  /** Its time is up. */
  overrun: 4,
  /** Our own code has failed. */
  rescue: 5,
  settle: 6,
  leave: 7,
  abandon: 8,
} as const;
export type RunStep = (typeof RunStep)[keyof typeof RunStep];

type Phase = keyof typeof RunPhase;
type Step = keyof typeof RunStep;

/** What follows on what. Whatever is not here does not happen: so a run ends once. */
const AFTER: Readonly<Record<Phase, Readonly<Partial<Record<Step, Phase>>>>> = {
  offered: { admit: 'admitted', join: 'joined', settle: 'left' },
  joined: {},
  admitted: { call: 'running', decide: 'ending', rescue: 'rescued', abandon: 'abandoned' },
  running: { decide: 'ending', overrun: 'overdue', rescue: 'rescued', abandon: 'abandoned' },
  ending: { settle: 'settled', leave: 'left', rescue: 'rescued', abandon: 'abandoned' },
  overdue: { settle: 'settled', leave: 'left', rescue: 'rescued', abandon: 'abandoned' },
  rescued: { settle: 'settled', leave: 'left', abandon: 'abandoned' },
  // Only its slot is still to be freed.
  settled: { leave: 'left', rescue: 'settled', abandon: 'abandoned' },
  left: {},
  abandoned: { settle: 'abandoned' },
};

const STEPS = Object.keys(RunStep) as Step[];

/** The same as one row of numbers: each run looks here five times, and looking for names would take longer than all else that ends it. */
const NEXT = (Object.keys(RunPhase) as Phase[]).flatMap((phase) => STEPS.map((step) => {
  const next = AFTER[phase][step];
  return next && RunPhase[next];
}));

/** `undefined` where that cannot happen to it, or not any more. Pure. */
export function phaseAfter(phase: RunPhase, step: RunStep): RunPhase | undefined {
  return NEXT[phase * STEPS.length + step];
}

/** How it ends is not decided yet. */
export function isOpen(phase: RunPhase): boolean {
  return phase === RunPhase.admitted || phase === RunPhase.running;
}

/** A worker that closes waits for it: its handler, or the record of its end. */
export function isAwaited(phase: RunPhase): boolean {
  return isOpen(phase) || phase === RunPhase.ending;
}
