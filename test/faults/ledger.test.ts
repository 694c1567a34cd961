import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createResultBackend } from '../../lib/state/create-result-backend.js';
import type { StateBackend } from '../../lib/state/state-backend.js';
import { firstOf, type Tuple } from '../support/present.js';
import { startScript, type Child } from '../support/processes.js';
import { startRabbitMq, type RabbitMqNode } from '../support/rabbitmq.js';
import { uniqueName } from '../support/shared-rabbitmq.js';
import { Signal } from '../support/wait.js';

const KEYS = 1000;
const LIMIT_MS = 120_000;

/** What every process was told about every key. */
class Owners {
  private readonly told = new Map<string, Set<string>>();
  answers = 0;
  private readonly enough = new Map<number, Signal>();

  follow(child: Child): void {
    child.onLine((line) => {
      if (!line.startsWith('owner ')) return;
      const [, key, owner] = firstOf(line.split(' '), 3);
      this.told.set(key, (this.told.get(key) ?? new Set()).add(owner));
      this.enough.get(++this.answers)?.fire();
    });
  }

  /** Resolves once so many answers were given. */
  count(answers: number): Promise<void> {
    const signal = new Signal();
    this.enough.set(answers, signal);
    if (this.answers >= answers) signal.fire();
    return signal.within(LIMIT_MS, `${answers} answers`);
  }

  get keys(): number {
    return this.told.size;
  }

  get disputed(): string[] {
    return [...this.told].filter(([, owners]) => owners.size !== 1).map(([key, owners]) => `${key}: ${[...owners].join(' and ')}`);
  }

  owner(key: string): string | undefined {
    return [...this.told.get(key) ?? []][0];
  }
}

describe('the ledger on RabbitMQ', () => {
  let node: RabbitMqNode;
  let exchange: string;
  const children: Child[] = [];
  const backends: StateBackend[] = [];
  beforeAll(async () => { node = await startRabbitMq(); });
  afterAll(() => node.stop());
  afterEach(async () => {
    await Promise.all(children.splice(0).map((child) => child.stop()));
    await Promise.all(backends.splice(0).map((backend) => backend.close(5_000)));
  });

  /** The first of them keeps the ledger: it was there first. */
  async function start<Count extends number>(count: Count): Promise<Tuple<Child, Count>> {
    exchange = uniqueName('ledger');
    const started: Child[] = [];
    for (let number = 0; number < count; number++) {
      const child = startScript('test/support/scripts/ledger.ts', { args: [node.url, exchange] });
      children.push(child);
      await child.line(/^ready$/);
      started.push(child);
    }
    return firstOf(started, count);
  }

  async function connect(): Promise<StateBackend> {
    const backend = createResultBackend(node.url, { exchange, keyPrefix: 'test:', operationTimeoutMs: 30_000 });
    backends.push(backend);
    await backend.connect();
    return backend;
  }

  function claimOf(processes: readonly Child[]): Owners {
    const owners = new Owners();
    for (const child of processes) owners.follow(child);
    for (const child of processes) child.send(`claim lock ${KEYS}`);
    return owners;
  }

  /** What is in the ledger is what everybody was told. */
  async function checkOwners(owners: Owners): Promise<void> {
    expect(owners.disputed).toEqual([]);
    expect(owners.keys).toBe(KEYS);
    const backend = await connect();
    const kept = await Promise.all(Array.from({ length: KEYS }, async (_, index) => [`lock-${index}`, (await backend.get(`lock-${index}`))?.toString()] as const));
    expect(kept.filter(([key, owner]) => owners.owner(key) !== owner)).toEqual([]);
  }

  it('gives each lock to one of four processes, when the one that keeps it is killed in the midst', async () => {
    const processes = await start(4);
    const owners = claimOf(processes);
    await owners.count(KEYS / 2);
    expect(owners.answers).toBeLessThan(4 * KEYS);
    processes[0].kill();
    const others = processes.slice(1);
    await Promise.all(others.map((child) => child.line(/^claimed lock$/, LIMIT_MS)));
    await checkOwners(owners);
  });

  it('gives each lock to one process when keepers are killed one after the other', async () => {
    const processes = await start(5);
    const owners = claimOf(processes);
    for (const [number, child] of processes.slice(0, 4).entries()) {
      await owners.count(300 * (number + 1));
      child.kill();
    }
    await processes[4].line(/^claimed lock$/, LIMIT_MS);
    await checkOwners(owners);
  });

  it('forgets nothing that it told when RabbitMQ is killed under load, twice', async () => {
    const processes = await start(3);
    const owners = claimOf(processes);
    const told = new Map<string, number>();
    for (const child of processes) {
      child.onLine((line) => {
        if (!line.startsWith('added ')) return;
        const [, member, count] = firstOf(line.split(' '), 3);
        told.set(member, Number(count));
      });
      child.send('add group 1000');
    }
    for (const answers of [500, 1500]) {
      await owners.count(answers);
      await node.kill9();
      await node.start();
    }
    await Promise.all(processes.flatMap((child) => [child.line(/^claimed lock$/, LIMIT_MS), child.line(/^added-all group$/, LIMIT_MS)]));
    await checkOwners(owners);
    const backend = await connect();
    const members: string[] = [];
    for await (const page of backend.members('group')) members.push(...page.map(({ member }) => member));
    expect(new Set(members).size).toBe(members.length);
    expect([...told.keys()].filter((member) => !members.includes(member))).toEqual([]);
    expect(members).toHaveLength(3000);
    // The last number was told, and none beyond it.
    expect(Math.max(...told.values())).toBe(3000);
  });

  it('goes on without a keeper that froze, and is not contradicted when it wakes', async () => {
    const processes = await start(3);
    const owners = claimOf(processes);
    await owners.count(KEYS / 2);
    processes[0].signal('SIGSTOP');
    // RabbitMQ notices by its heartbeat.
    await Promise.all(processes.slice(1).map((child) => child.line(/^claimed lock$/, LIMIT_MS)));
    processes[0].signal('SIGCONT');
    await processes[0].line(/^claimed lock$/, LIMIT_MS);
    await checkOwners(owners);
  });

  it('tells those who watch, whoever keeps it', async () => {
    const [keeper, watching, writing] = await start(3);
    watching.send('watch news');
    writing.send('set news first');
    await watching.line(/^seen news first$/);
    keeper.kill();
    writing.send('set news second');
    await watching.line(/^seen news second$/, LIMIT_MS);
    writing.send('set news third');
    await watching.line(/^seen news third$/, LIMIT_MS);
  });
});
