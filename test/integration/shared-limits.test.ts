import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ServerConfig } from '../../lib/index.js';
import { removeExchange } from '../support/amqp-clean-up.js';
import { isRabbitMq } from '../support/nest-on-broker.js';
import { itemAt } from '../support/present.js';
import { startScript, type Child } from '../support/processes.js';
import { RedisServer } from '../support/redis.js';
import { sharedRabbitMqUrl, uniqueName } from '../support/shared-rabbitmq.js';
import { removeFolder, temporaryFolder } from '../support/temporary-folder.js';
import { onTestFinished } from '../support/test-end.js';
import { Arrivals } from '../support/wait.js';
import type { LimitedLine } from './apps/limited.js';

const LONG_MS = 120_000;
/** Also for a machine that has more to do; shorter than the default of 30 s. */
const TAKEOVER_SECONDS = 6;
let redis: RedisServer;
beforeAll(async () => { redis = await RedisServer.start(); });
afterAll(() => redis.stop());

type CleanUp = (() => unknown)[];
async function cleanUp(steps: CleanUp): Promise<void> {
  for (const step of steps.splice(0).reverse()) await step();
}

type Line = LimitedLine & { child: Child };

/** As the lines of the processes say it. */
const now = (): number => Number(process.hrtime.bigint() / 1_000n) / 1_000;

/** Some processes, and all that they print. */
class Processes {
  readonly children: Child[] = [];
  lines = new Arrivals<Line>();

  constructor(private readonly config: ServerConfig) {}

  async start(count = 1): Promise<Child[]> {
    const started = Array.from({ length: count }, () => {
      const child = startScript('test/integration/apps/limited.ts', { env: { LIMITED_CONFIG: JSON.stringify(this.config) } });
      child.onLine((line) => { if (line.startsWith('{')) this.lines.add({ ...JSON.parse(line) as LimitedLine, child }); });
      return child;
    });
    this.children.push(...started);
    await Promise.all(started.map((child) => child.line(/^ready$/)));
    return started;
  }

  /** What was printed before is none of this test's. */
  anew(): this {
    this.lines = new Arrivals<Line>();
    return this;
  }

  async stop(): Promise<void> {
    await Promise.all(this.children.map((child) => child.stop()));
  }

  publish(name: string, keys: string[], ms: number, from = 0): void {
    itemAt(this.children, from).send(JSON.stringify({ name, keys, ms }));
  }

  of(event: LimitedLine['event'], name: string): Line[] {
    return this.lines.all.filter((line) => line.event === event && line.name === name);
  }

  ended(name: string, count: number): Promise<void> {
    return this.lines.until(() => this.of('end', name).length >= count, LONG_MS, () => `${count} ends of ${name}; there are ${this.of('end', name).length}`);
  }

  /** The most that ran at once. */
  most(name: string, key?: string): number {
    const mine = this.lines.all.filter((line) => line.name === name && (key === undefined || line.key === key)).sort((a, b) => a.at - b.at);
    let running = 0;
    return Math.max(...mine.map(({ event }) => (running += event === 'start' ? 1 : -1)));
  }
}

const keys = (count: number): string[] => Array.from({ length: count }, (_, index) => String(index));

/** All places at once: what their tests do is to wait. Those of one place share its processes, and follow one another. */
describe.concurrent.each([
  ['a shared folder', (clean: CleanUp): Partial<ServerConfig> => ({ broker: `embedded:${folder(clean)}` })],
  ['RabbitMQ with Redis', (): Partial<ServerConfig> => ({ broker: sharedRabbitMqUrl(), resultBackend: redis.url })],
  ['RabbitMQ alone', (): Partial<ServerConfig> => ({ broker: sharedRabbitMqUrl() })],
  ['Redis alone', (): Partial<ServerConfig> => ({ broker: redis.url })],
])('limits of three processes on %s', { timeout: 2 * LONG_MS }, (_, where) => {
  const clean: CleanUp = [];
  let processes: Processes;
  beforeAll(async () => { processes = await three(); });
  afterAll(() => cleanUp(clean));

  async function three(): Promise<Processes> {
    const exchange = uniqueName('limits');
    const config = { exchange, defaultRoutingKey: 'k', shutdownTimeoutSeconds: 3, takeoverSeconds: TAKEOVER_SECONDS, workers: [{ name: 'w', queue: `${exchange}.q`, bindingKeys: ['k'], limit: 8 }], ...where(clean) };
    if (isRabbitMq(config)) clean.push(() => removeExchange(sharedRabbitMqUrl(), exchange, [`${exchange}.q`]));
    const started = new Processes(config);
    clean.push(() => started.stop());
    await started.start(3);
    return started;
  }

  it.sequential('let so many run at once as the limit says, each as its first attempt, and others pass', async () => {
    processes.anew();
    processes.publish('global', keys(30), 150);
    await processes.lines.first(({ name }) => name === 'global', 'a first start');
    processes.publish('free', keys(20), 1, 1);
    await processes.ended('free', 20);
    expect(processes.of('end', 'global').length).toBeLessThan(30);
    await processes.ended('global', 30);
    expect(processes.most('global')).toBeLessThanOrEqual(3);
    expect(processes.of('start', 'global')).toHaveLength(30);
    expect(processes.lines.all.filter(({ attempt, event }) => attempt !== 1 || event === 'problem')).toEqual([]);
  });

  it.sequential('let one at a time of each key run', async () => {
    processes.anew();
    processes.publish('keyed', ['a', 'b', 'a', 'b', 'a', 'b', 'a', 'c'], 100);
    await processes.ended('keyed', 8);
    expect(['a', 'b', 'c'].map((key) => processes.most('keyed', key))).toEqual([1, 1, 1]);
  });

  it.sequential('let no period have more starts than the rate says', async () => {
    processes.anew();
    processes.publish('rated', keys(25), 5);
    await processes.ended('rated', 25);
    const times = processes.of('start', 'rated').map(({ at }) => at).sort((a, b) => a - b);
    expect(times).toHaveLength(25);
    for (const [index, time] of times.slice(5).entries()) expect(time - itemAt(times, index)).toBeGreaterThanOrEqual(1_500);
  });

  it.sequential('count retries as they count first attempts, and leave their number alone', async () => {
    processes.anew();
    processes.publish('flaky', ['x', 'y'], 20);
    await processes.ended('flaky', 6);
    expect(processes.most('flaky')).toBe(1);
    expect(processes.of('start', 'flaky').map(({ key, attempt }) => `${key}${attempt}`).sort()).toEqual(['x1', 'x2', 'x3', 'y1', 'y2', 'y3']);
  });

  it.sequential('free the places of a process that was killed when its lease has ended, and lose nothing', async () => {
    processes = await three();
    processes.publish('global', keys(3), 3_600_000);
    await processes.lines.until(() => processes.of('start', 'global').length === 3, LONG_MS, () => 'all places to be taken');
    const { child } = itemAt(processes.of('start', 'global'), 0);
    const held = processes.of('start', 'global').filter((line) => line.child === child).map(({ key }) => key).sort();
    child.kill('SIGKILL');
    const killedAt = now();
    await processes.lines.until(() => processes.of('start', 'global').length === 3 + held.length, LONG_MS, () => `${held.length} starts in the places of the dead process`);
    const again = processes.of('start', 'global').slice(3);
    expect(again.map(({ key }) => key).sort()).toEqual(held);
    // Not before it was known to be dead: its lease was at most a renewal old.
    for (const { at, attempt } of again) expect([attempt, at - killedAt > 500 * TAKEOVER_SECONDS]).toEqual([1, true]);
  });
});

describe.concurrent('limits across processes whose store is away', { timeout: 2 * LONG_MS }, () => {
  it('make their tasks wait, uncharged, and nobody else; nothing is lost', async () => {
    const clean: CleanUp = [];
    onTestFinished(() => cleanUp(clean));
    const store = await RedisServer.start();
    clean.push(() => store.stop());
    const exchange = uniqueName('limits');
    const processes = new Processes({
      broker: 'embedded:', resultBackend: store.url, exchange, defaultRoutingKey: 'k', shutdownTimeoutSeconds: 3,
      workers: [{ name: 'w', queue: `${exchange}.q`, bindingKeys: ['k'], limit: 2 }],
    });
    clean.push(() => processes.stop());
    await processes.start();
    processes.publish('global', ['first'], 1_500);
    await processes.lines.first(({ key }) => key === 'first', 'a first start');
    await store.server.kill9();
    processes.publish('global', keys(20), 5);
    processes.publish('rated', keys(5), 5);
    await processes.lines.first(({ event }) => event === 'problem', 'a word on it');
    processes.publish('free', keys(20), 1);
    await processes.ended('free', 20);
    // What ran has ended, as if nothing were amiss.
    await processes.ended('global', 1);
    expect(processes.of('start', 'global')).toHaveLength(1);
    await store.server.start();
    await processes.ended('global', 21);
    await processes.ended('rated', 5);
    expect(processes.lines.all.filter(({ event, attempt }) => event === 'start' && attempt !== 1)).toEqual([]);
    expect(processes.most('global')).toBeLessThanOrEqual(3);
  });
});

function folder(clean: CleanUp): string {
  const path = temporaryFolder('limits');
  clean.push(() => removeFolder(path));
  return path;
}
