import { expect, it } from 'vitest';
import type { ServerConfig } from '../../lib/index.js';
import { itemAt } from '../support/present.js';
import { startScript, type Child } from '../support/processes.js';
import { uniqueName } from '../support/shared-rabbitmq.js';
import { onTestFinished } from '../support/test-end.js';
import { Arrivals, pause } from '../support/wait.js';
import { onBothBrokers } from './apps/on-both-brokers.js';
import type { TickStarted } from './apps/schedule-app.js';

const PROCESSES = 5;
/** How long processes are killed: `SCHEDULES_SECONDS=120` for long. */
const SECONDS = Number(process.env.SCHEDULES_SECONDS ?? 20);
const SEED = Number(process.env.SCHEDULES_SEED ?? Date.now() % 2 ** 31);
/** A process killed so soon after a start may not have told the broker that the task has ended: it is started again. */
const UNTOLD_MS = 5_000;
const TAKEOVER_LIMIT_MS = 120_000;

interface Start extends TickStarted { readonly at: number; readonly process: number }

class App {
  isReady = false;
  killedAt: number | undefined;
  private readonly child: Child;

  /** @param apps all that live of its test */
  constructor(readonly number: number, config: ServerConfig, private readonly starts: Arrivals<Start>, private readonly apps: Set<App>) {
    this.child = startScript('test/faults/apps/schedule-app.ts', { env: { DISPATCHER_SCHEDULE_APP: JSON.stringify(config), DISPATCHER_ROLE: '' } });
    this.child.onLine((line) => this.hear(line));
    this.apps.add(this);
  }

  ready(): Promise<string> { return this.child.line(/"ready"/, 60_000); }

  /** Resolves to the dead letters. */
  async drained(): Promise<string[]> {
    this.child.send('drain');
    const { say, dead } = JSON.parse(await this.child.line(/"say":"(?!ready)/, 130_000)) as { say: string; dead: string[] };
    expect(say).toBe('drained');
    return dead;
  }

  async kill9(): Promise<void> {
    this.killedAt = Date.now();
    this.apps.delete(this);
    await this.child.stop();
  }

  async terminate(): Promise<void> {
    this.child.signal('SIGTERM');
    await this.child.exited(40_000);
    this.apps.delete(this);
  }

  private hear(line: string): void {
    const heard = JSON.parse(line) as TickStarted | { say: string };
    if ('say' in heard) this.isReady ||= heard.say === 'ready';
    else this.starts.add({ ...heard, at: Date.now(), process: this.number });
  }
}

onBothBrokers('a schedule of every second in five processes that are killed at random', (brokerUrl, kind) => {
  it('starts each tick once', async () => {
    const exchange = uniqueName('ticks');
    const config: ServerConfig = {
      broker: brokerUrl(), exchange, defaultRoutingKey: 'key', reconnectionIntervalSeconds: 0.2, workers: [{ name: 'w', queue: `${exchange}.q`, bindingKeys: ['key'] }],
    };
    const starts = new Arrivals<Start>();
    const all: App[] = [];
    const apps = new Set<App>();
    onTestFinished(async () => { for (const app of [...apps]) await app.kill9(); });
    const launch = (): App => {
      const app = new App(all.length, config, starts, apps);
      all.push(app);
      return app;
    };
    await Promise.all(Array.from({ length: PROCESSES }, () => launch().ready()));
    await starts.count(3);
    const { kills, alone } = await killAtRandom(apps, launch);
    const last = Math.floor(Date.now() / 1000) * 1000;
    await Promise.all([...apps].map((app) => app.ready()));
    await starts.first(({ tick }) => tick >= last + 1000, 'a tick after the last kill', 60_000);
    // One whose holder was killed waits until that is taken for dead.
    await starts.until(() => missingUntil(last, starts.all).length === 0, TAKEOVER_LIMIT_MS, () => `${missingUntil(last, starts.all).length} ticks`).catch(() => undefined);
    // All of them: none sees what the others hold, and a tick that still waits for its claim at the end of all is never started.
    const [dead] = await Promise.all([...apps].map((app) => app.drained()));
    await Promise.all([...apps].map((app) => app.terminate()));

    const byTick = new Map<number, Start[]>();
    for (const start of starts.all) byTick.set(start.tick, [...byTick.get(start.tick) ?? [], start]);
    const first = Math.min(...byTick.keys());
    const missing = missingUntil(last, starts.all).map((tick) => new Date(tick).toISOString());
    const again = [...byTick.values()].filter((of) => of.length > 1);
    const twice = again.filter((of) => !of.slice(0, -1).every((start) => wasCutShort(start, all)));
    const uuids = new Set(starts.all.map(({ uuid }) => uuid));
    const early = starts.all.filter(({ tick, at }) => at < tick);
    console.log(`[ledger] ${kind}, seed ${SEED}, ${SECONDS} s, ${kills} kills, ${alone} times nobody was left: ${(last - first) / 1000 + 1} ticks, ${starts.all.length} starts, `
      + `missing ${missing.length} (of ${new Date(first).toISOString()} to ${new Date(last).toISOString()}: ${missing.join(', ')}), dead letters ${JSON.stringify(dead)}, started twice ${twice.length}, started again after a kill ${again.length - twice.length}`);
    expect({ missing, dead, twice, early, uuids: uuids.size }).toEqual({ missing: [], dead: [], twice: [], early: [], uuids: byTick.size });
  }, SECONDS * 1000 + 400_000);
});

/** From the first that was started. */
function missingUntil(last: number, starts: readonly Start[]): number[] {
  const started = new Set(starts.map(({ tick }) => tick));
  const first = Math.min(...started);
  return Array.from({ length: (last - first) / 1000 + 1 }, (_, index) => first + index * 1000).filter((tick) => !started.has(tick));
}

/** Most often one, now and then all at once; each is replaced. */
async function killAtRandom(apps: ReadonlySet<App>, launch: () => App): Promise<{ kills: number; alone: number }> {
  const random = randomFrom(SEED);
  const end = Date.now() + SECONDS * 1000;
  let [kills, alone] = [0, 0];
  while (Date.now() < end) {
    await pause(300 + random() * 2_500);
    const victims = [...apps].filter(({ isReady }) => isReady).filter(() => random() < 0.3);
    if (random() < 0.1) victims.splice(0, victims.length, ...apps);
    await Promise.all(victims.map((app) => app.kill9()));
    if (![...apps].some(({ isReady }) => isReady)) alone++;
    kills += victims.length;
    for (let count = apps.size; count < PROCESSES; count++) launch();
  }
  return { kills, alone };
}

/** Killed so soon after that the broker may not know of its end: at least once means that the task is started again. */
function wasCutShort({ process: number, at }: Start, all: readonly App[]): boolean {
  const { killedAt } = itemAt(all, number);
  return killedAt !== undefined && killedAt - at < UNTOLD_MS;
}

/** Mulberry32: the same kills from the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
