import { describe, expect, it } from 'vitest';
import { edgeSpec, type EdgeChoice, type EdgeOutcome, type EdgeSpec } from '../../../lib/task/edge-options.js';
import type { EdgeMark, EdgeRecord } from '../../../lib/task/edge-record.js';
import { type EdgeAsk, edgeStep, edgeVerdict } from '../../../lib/task/edge-steps.js';

type Run = readonly [at: number, value: string];

/** One key, a store that answers at once, and a worker that starts what arrives. */
class World {
  record: EdgeRecord | undefined;
  readonly runs: Run[] = [];
  readonly outcomes: EdgeOutcome[] = [];
  private now = 0;
  private next = 0;
  private deliveries: { readonly at: number; readonly mark: EdgeMark; readonly value: string }[] = [];

  constructor(private readonly spec: EdgeSpec) {}

  /** @param leaves its arguments can be left to another */
  publish(at: number, value: string, leaves = true): void {
    this.advance(at);
    const step = edgeStep(this.record, ask(this.spec, `${this.next++}`, { now: at, ...(leaves ? { args: value } : {}) }));
    if (step.kind === 'wait') throw new Error('Nobody else publishes here.');
    this.outcomes.push(step.outcome);
    if (step.kind === 'join') {
      this.record = step.record ?? this.record;
      return;
    }
    this.record = step.held;
    const { token, burst, seq } = step.held;
    if (step.outcome.taken && step.outcome.as === 'leading') this.runs.push([at, value]);
    else if (step.outcome.taken) this.deliveries.push({ at: step.outcome.dueAt, value, mark: { kind: this.spec.kind, key: 'k', token, burst, seq, waitMs: this.spec.waitMs, seen: 0 } });
  }

  advance(until: number): void {
    for (;;) {
      const [first] = [...this.deliveries].sort((a, b) => a.at - b.at);
      if (first === undefined || first.at > until) break;
      this.deliveries = this.deliveries.filter((one) => one !== first);
      this.now = first.at;
      this.deliver(first);
    }
    this.now = until;
  }

  private deliver({ mark, value }: { mark: EdgeMark; value: string }): void {
    const verdict = edgeVerdict(this.record, mark, this.now);
    switch (verdict.kind) {
      case 'wait': this.deliveries.push({ at: this.now + verdict.delayMs, value, mark: { ...mark, seen: verdict.record.changes } }); break;
      case 'start': this.runs.push([this.now, verdict.record.args ?? value]); this.record = verdict.after; break;
      case 'plain': this.runs.push([this.now, `plain ${value}`]); break;
      case 'superseded': break;
      case 'undecided': throw new Error('Nobody else publishes here.');
    }
  }
}

function ask(spec: EdgeSpec, id: string, more: Partial<EdgeAsk> = {}): EdgeAsk {
  return { spec, uuid: `uuid-${id}`, token: `token-${id}`, burst: `burst-${id}`, version: 1, now: 0, isStuck: false, ...more };
}

/** What is to run, told another way: by a plain loop over the times of publishing. */
function expected({ kind, waitMs, maxWaitMs = Infinity, leading, trailing }: EdgeSpec, published: readonly Run[]): Run[] {
  const runs: Run[] = [];
  let window: { since: number; until: number; last?: string } | undefined;
  const close = (now: number): void => {
    while (window !== undefined && window.until <= now) {
      const { until, last } = window;
      if (last !== undefined) runs.push([until, last]);
      window = last !== undefined && kind === 'throttle' ? { since: until, until: until + waitMs } : undefined;
    }
  };
  for (const [at, value] of published) {
    close(at);
    if (window === undefined) {
      window = { since: at, until: at + waitMs, ...(leading ? {} : { last: value }) };
      if (leading) runs.push([at, value]);
      continue;
    }
    if (kind === 'debounce') window.until = Math.min(at + waitMs, window.since + maxWaitMs);
    if (trailing) window.last = value;
  }
  close(Infinity);
  return runs;
}

/** The same numbers each time. */
function randoms(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const EDGES = [{ leading: false, trailing: true }, { leading: true, trailing: false }, { leading: true, trailing: true }];
const CHOICES: EdgeChoice[] = EDGES.flatMap((edges) => [
  { debounce: { waitSeconds: 1, ...edges } }, { debounce: { waitSeconds: 1, maxWaitSeconds: 2.5, ...edges } }, { throttle: { windowSeconds: 1, ...edges } },
]);

describe.each(CHOICES)('%j', (choice) => {
  const spec = edgeSpec(choice);

  it.each(['are left to who waits', 'take its place', 'do either'])('runs what it should, when it should, where tasks %s', (how) => {
    for (let seed = 1; seed <= 200; seed++) {
      const random = randoms(seed);
      const world = new World(spec);
      const published: Run[] = [];
      for (let at = 1, index = 0; index < 30; index++) {
        at += 1 + Math.floor(random() ** 3 * 2_000);
        published.push([at, `${index}`]);
        world.publish(at, `${index}`, how === 'do either' ? random() < 0.5 : how === 'are left to who waits');
      }
      world.advance(Number.MAX_SAFE_INTEGER);
      expect(world.runs, `seed ${seed}`).toEqual(expected(spec, published));
    }
  });

  it('says of each what became of it', () => {
    const world = new World(spec);
    for (const at of [10, 20, 30]) world.publish(at, `${at}`);
    const [first, second, third] = world.outcomes;
    expect(first).toEqual(spec.leading ? { taken: true, as: 'leading' } : { taken: true, as: 'trailing', dueAt: 1_010 });
    if (!spec.trailing) expect([second, third]).toEqual([1, 2].map(() => ({ taken: false, uuid: 'uuid-0', replaced: false })));
    else if (!spec.leading) expect([second, third]).toEqual([1, 2].map(() => ({ taken: false, uuid: 'uuid-0', replaced: true })));
    else expect([second, third]).toEqual([{ taken: true, as: 'trailing', dueAt: spec.kind === 'throttle' ? 1_010 : 1_020 }, { taken: false, uuid: 'uuid-1', replaced: true }]);
  });
});

describe('a publisher', () => {
  const spec = edgeSpec({ debounce: { waitSeconds: 1 } });
  const waits = (more: Partial<EdgeRecord> = {}): EdgeRecord => ({ state: 'waiting', uuid: 'uuid-a', token: 'token-a', burst: 'b', seq: 1, since: 0, until: 1_000, changes: 0, version: 1, ...more });
  const publishing = (before?: EdgeRecord): EdgeRecord => ({ ...waits({ uuid: 'uuid-p', token: 'token-p', seq: (before?.seq ?? 0) + 1, until: 60_000 }), state: 'publishing', ...(before === undefined ? {} : { before }) });

  it('waits for who publishes under its key, and no longer than that one can live', () => {
    expect(edgeStep(publishing(), ask(spec, 'n', { now: 59_999 })).kind).toBe('wait');
    for (const late of [{ now: 60_000 }, { now: 1, isStuck: true }]) expect(edgeStep(publishing(), ask(spec, 'n', late))).toMatchObject({ kind: 'publish', held: { seq: 2, burst: 'b', skipped: [1, 2] } });
  });

  it('leaves its arguments to who waited before that one, whose message is then skipped', () => {
    const step = edgeStep(publishing(waits()), ask(spec, 'n', { now: 500, args: 'new', isStuck: true }));
    expect(step).toEqual({ kind: 'join', outcome: { taken: false, uuid: 'uuid-a', replaced: true }, record: waits({ args: 'new', changes: 1, until: 1_500, seq: 2, skipped: [2, 3] }) });
    const late: EdgeMark = { kind: 'debounce', key: 'k', token: 'token-p', burst: 'b', seq: 2, waitMs: 1_000, seen: 0 };
    expect(edgeVerdict(step.kind === 'join' ? step.record : undefined, late, 1_500)).toEqual({ kind: 'superseded', uuid: 'uuid-a' });
  });

  it('does not put off what is due already, and takes nothing from it that it cannot leave it', () => {
    expect(edgeStep(waits(), ask(spec, 'n', { now: 1_200, args: 'new' }))).toMatchObject({ kind: 'join', record: { until: 1_000, args: 'new' } });
    const beside = edgeStep(waits(), ask(spec, 'n', { now: 1_200 }));
    expect(beside).toMatchObject({ kind: 'publish', outcome: { as: 'trailing', dueAt: 2_200 }, held: { burst: 'burst-n', seq: 1 }, before: waits() });
    if (beside.kind === 'publish') expect(edgeVerdict(beside.held, { kind: 'debounce', key: 'k', token: 'token-a', burst: 'b', seq: 1, waitMs: 1_000, seen: 0 }, 1_300)).toEqual({ kind: 'plain' });
  });

  it('does not count for ever on a task that does not start', () => {
    expect(edgeStep(waits(), ask(spec, 'n', { now: 60_999, args: 'new' })).kind).toBe('join');
    expect(edgeStep(waits(), ask(spec, 'n', { now: 61_000, args: 'new' }))).toMatchObject({ kind: 'publish', held: { burst: 'burst-n' } });
  });

  it('leaves no arguments of another version', () => {
    expect(edgeStep(waits(), ask(spec, 'n', { now: 1, args: 'new', version: 2 }))).toMatchObject({ kind: 'publish', held: { version: 2, skipped: [1, 2] } });
  });
});

describe('a delivery', () => {
  const mark: EdgeMark = { kind: 'debounce', key: 'k', token: 't', burst: 'b', seq: 1, waitMs: 1_000, seen: 0 };
  const record: EdgeRecord = { state: 'waiting', uuid: 'u', token: 't', burst: 'b', seq: 1, since: 0, until: 5_000, changes: 0, version: 1 };

  it('asks no clock where nobody has come since it was looked at last', () => {
    expect(edgeVerdict(record, mark, 0).kind).toBe('start');
    expect(edgeVerdict({ ...record, changes: 3 }, { ...mark, seen: 3 }, 0).kind).toBe('start');
  });

  it('waits no longer than its window, however far the clocks of others are ahead', () => {
    expect(edgeVerdict({ ...record, changes: 1, until: 1e9 }, mark, 0)).toMatchObject({ kind: 'wait', delayMs: 1_000 });
    expect(edgeVerdict({ ...record, changes: 1 }, mark, 4_900)).toMatchObject({ kind: 'wait', delayMs: 100 });
  });

  it('is the one that was published, although its publisher has not said so yet', () => {
    expect(edgeVerdict({ ...record, state: 'publishing' }, mark, 5_000).kind).toBe('start');
  });

  it('waits while another is taking its place, and starts where that one has died', () => {
    const taking: EdgeRecord = { ...record, state: 'publishing', token: 'other', seq: 2, until: 60_000, before: { ...record, args: 'newest' } };
    expect(edgeVerdict(taking, mark, 59_999).kind).toBe('undecided');
    expect(edgeVerdict(taking, mark, 60_000)).toMatchObject({ kind: 'start', record: { args: 'newest' }, after: { state: 'open', skipped: [2, 3] } });
  });

  it('runs as it is where nothing is known of it any more', () => {
    expect(edgeVerdict(undefined, mark, 0).kind).toBe('plain');
    expect(edgeVerdict({ ...record, token: 'other', burst: 'c', skipped: [1, 9] }, mark, 0).kind).toBe('plain');
    expect(edgeVerdict({ ...record, token: 'other', seq: 9 }, mark, 0).kind).toBe('plain');
  });
});
