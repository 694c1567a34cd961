import { describe, expect, it } from 'vitest';
import { startOn } from '../support/nest-on-broker.js';
import { startScript, type Child } from '../support/processes.js';
import { uniqueName } from '../support/shared-rabbitmq.js';
import { onTestFinished } from '../support/test-end.js';
import { Arrivals, eventually, pause } from '../support/wait.js';
import { CONFIG_VARIABLE, type AppConfig } from './apps/protocol.js';
import type { StepNote } from './apps/steps-app.js';
import { PLACES, type Victim } from './workflow-stage.js';

/** `DISPATCHER_STEP_RUNS=1000` takes some ten minutes. */
const RUNS = Number(process.env.DISPATCHER_STEP_RUNS ?? 40);
const STEPS = 20;
const LIMIT_MS = 240_000 + RUNS * 1_500;

class Worker {
  readonly child: Child;
  private readonly ready = new Arrivals<true>();
  private ending = false;

  /** @param surprise is told of an end that nobody caused */
  constructor(config: AppConfig, notes: (note: StepNote) => void, surprise: (how: string) => void) {
    this.child = startScript('test/faults/apps/steps-app.ts', { env: { [CONFIG_VARIABLE]: JSON.stringify(config), DISPATCHER_ROLE: '' } });
    this.child.onLine((line) => {
      const note = JSON.parse(line) as StepNote;
      if (note.kind === 'ready') this.ready.add(true);
      notes(note);
    });
    void this.child.end().then(({ code, signal }) => {
      if (!this.ending) surprise(`code ${code}, signal ${signal}: ${this.child.stderr}`);
      this.ending = true;
    });
  }

  get isReady(): boolean { return this.ready.all.length > 0 && !this.ending; }

  started(): Promise<unknown> { return this.ready.count(1, 120_000, `ready worker; it said ${this.child.stderr}`); }

  kill(): Promise<void> {
    this.ending = true;
    return this.child.stop();
  }
}

/** What is known of all runs together, whichever process said it. */
class Ledger {
  readonly over = new Map<string, string[][]>();
  /** By uuid and step: each effect that happened, and when. */
  readonly effects = new Map<string, { token: string; at: number }[]>();
  /** ... and each token that was given, the one on record, and when first. */
  readonly given = new Map<string, { tokens: Set<string>; at: number }>();

  readonly book = (note: StepNote): void => {
    if (note.kind === 'over') this.over.set(note.uuid, [...this.over.get(note.uuid) ?? [], note.tokens]);
    if (note.kind !== 'effect' && note.kind !== 'given') return;
    const { token, at } = note;
    const key = `${note.uuid} ${note.step}`;
    if (note.kind === 'effect') this.effects.set(key, [...this.effects.get(key) ?? [], { token, at }]);
    else this.given.set(key, { tokens: (this.given.get(key)?.tokens ?? new Set()).add(token), at: Math.min(at, this.given.get(key)?.at ?? at) });
  };

  /** Steps that had an effect after the one on record had been given to somebody. */
  get late(): string[] {
    return [...this.effects].filter(([key, effects]) => effects.some(({ at }) => at > (this.given.get(key)?.at ?? Infinity))).map(([key]) => key);
  }

  /** Steps of which two results were given, or one that nobody's effect has made. */
  get torn(): string[] {
    return [...this.given].filter(([key, { tokens }]) => tokens.size > 1 || ![...tokens].every((token) => this.effects.get(key)?.some((effect) => effect.token === token))).map(([key]) => key);
  }

  get again(): number {
    return [...this.effects.values()].filter((effects) => effects.length > 1).length;
  }
}

/** As many as are ready may die; replacements start meanwhile. */
async function killMeanwhile(state: { over: boolean }, workers: Worker[], start: () => Worker, servers: readonly Victim[]): Promise<{ text: string; workers: number }> {
  const killed = new Map<string, number>();
  const count = (what: string): unknown => killed.set(what, (killed.get(what) ?? 0) + 1);
  for (let turn = 0; !state.over; turn++) {
    await pause(1_000 + Math.random() * 2_000);
    const server = turn % 8 === 7 ? servers[Math.floor(turn / 8) % servers.length] : undefined;
    if (server !== undefined) {
      await server.kill9();
      await server.start();
      count(server.name);
    } else if (!state.over && workers.filter(({ isReady }) => isReady).length > 2) {
      const [victim] = workers.splice(workers.findIndex(({ isReady }) => isReady), 1, start());
      await victim?.kill();
      count('workers');
    }
  }
  return { text: [...killed].map(([what, times]) => `${what} ${times}`).join(', '), workers: killed.get('workers') ?? 0 };
}

describe.concurrent.each(PLACES)('durable steps on $title', (place) => {
  it.sequential(`${RUNS} runs of ${STEPS} steps, with a sleep in the midst, record each effect once, whoever is killed`, async () => {
    const { config, servers } = await place.start();
    const exchange = uniqueName('step-faults');
    const queue = `${exchange}.q`;
    const ledger = new Ledger();
    const base: AppConfig = { exchange, defaultRoutingKey: 'key', reconnectionIntervalSeconds: 0.2, takeoverSeconds: 3, ...config };
    const all: Worker[] = [];
    const surprises: string[] = [];
    onTestFinished(async () => { await Promise.all(all.map((worker) => worker.kill())); });
    const start = (): Worker => {
      const worker = new Worker({ ...base, workers: [{ name: 'w', queue, limit: 4, bindingKeys: ['key'], maxRedeliveries: 100 }] }, ledger.book, (how) => surprises.push(how));
      all.push(worker);
      return worker;
    };
    const { service } = await startOn({ ...base, role: 'publisher', initQueues: [{ name: queue, bindingKeys: ['key'] }] });
    const workers = Array.from({ length: 5 }, start);
    await Promise.all(workers.map((worker) => worker.started()));
    const uuids = Array.from({ length: RUNS }, () => crypto.randomUUID());
    for (const uuid of uuids) await service.publish({ name: 'run', uuid, args: [{ type: 'int', value: STEPS }] });
    const state = { over: false };
    const killing = killMeanwhile(state, workers, start, servers);
    try {
      await eventually(() => ledger.over.size, (size) => size === RUNS || surprises.length > 0, `${RUNS} runs to end`, { limitMs: LIMIT_MS, everyMs: 200 });
    } finally {
      state.over = true;
    }
    const killed = await killing;
    console.log(`[ledger] ${place.title}: killed ${killed.text}; runs ${ledger.over.size}, steps ${ledger.given.size}, effects of which the process died before the record, and which were had again ${ledger.again}, `
      + `effects after their record ${ledger.late.length}, results given that differ ${ledger.torn.length}, runs that ended twice ${[...ledger.over.values()].filter((ends) => ends.length > 1).length}`);
    expect(surprises).toEqual([]);
    expect(killed.workers).toBeGreaterThan(1);
    expect(ledger.late).toEqual([]);
    expect(ledger.torn).toEqual([]);
    expect(ledger.given.size).toBe(RUNS * STEPS);
    for (const [uuid, ends] of ledger.over) for (const tokens of ends) expect(tokens).toEqual(Array.from({ length: STEPS }, (_, step) => [...ledger.given.get(`${uuid} ${step}`)?.tokens ?? []][0]));
    expect(await service.depth(`${queue}.dead`) ?? 0).toBe(0);
  }, LIMIT_MS + 120_000);
});
