import { startScript, type Child } from '../support/processes.js';
import type { RabbitMqNode } from '../support/rabbitmq.js';
import { eventually } from '../support/wait.js';
import type { OutboxAppConfig } from './apps/outbox-orders.js';

export const STAGE_LIMIT_MS = 240_000;

export interface OutboxStageParts {
  /** The application, as the path of its source. */
  readonly script: string;
  /** The URL of the database, or its file. */
  readonly database: string;
  readonly node: RabbitMqNode;
  countOf(table: string): Promise<number>;
  /** Beside the processes and RabbitMQ. */
  readonly killDatabase?: () => Promise<unknown>;
}

export type OutboxVictim = 'orders' | 'worker' | 'rabbitmq' | 'database';

/** One process that makes orders and two that work them off, of which each dies when its turn comes. */
export class OutboxStage {
  /** What those said that ended by themselves. */
  readonly surprises: string[] = [];
  private readonly children: Child[] = [];
  private readonly killed = new Set<Child>();
  private orders!: Child;
  private readonly workers: Child[] = [];

  constructor(private readonly parts: OutboxStageParts) {}

  /** Until so many orders are committed, and nothing is to be sent any more of those. `victims` die in between. */
  async run(orders: number, victims: readonly OutboxVictim[], committedIds: () => Promise<string[]>): Promise<string[]> {
    const { countOf } = this.parts;
    this.orders = await this.start(true);
    this.workers.push(await this.start(false), await this.start(false));
    for (const [index, victim] of victims.entries()) {
      await this.reached('orders', Math.floor(orders / (victims.length + 1) * (index + 1)));
      await this.kill(victim);
    }
    await this.reached('orders', orders);
    await this.kill9(this.orders);
    const committed = await committedIds();
    await this.reached('effects', committed.length);
    await eventually(() => countOf('dispatcher_outbox'), (count) => count === 0, 'the outbox to be empty', { limitMs: STAGE_LIMIT_MS });
    return committed;
  }

  async stop(): Promise<void> {
    await Promise.all(this.children.map((child) => this.kill9(child)));
  }

  private reached(table: string, due: number): Promise<unknown> {
    return eventually(() => this.parts.countOf(table), (count) => count >= due, `${due} ${table}`, { limitMs: STAGE_LIMIT_MS });
  }

  private async start(orders: boolean): Promise<Child> {
    const { node, script, database } = this.parts;
    const config: OutboxAppConfig['config'] = {
      broker: node.url, exchange: 'orders', defaultRoutingKey: 'key', reconnectionIntervalSeconds: 0.2, startup: 'background', shutdownTimeoutSeconds: 5,
      ...orders ? { role: 'publisher' } : { workers: [{ name: 'w', queue: 'settle', bindingKeys: ['key'] }] },
    };
    const child = startScript(script, { args: [JSON.stringify({ database, config, orders } satisfies OutboxAppConfig)], env: { DISPATCHER_ROLE: '' } });
    this.children.push(child);
    void child.exited(STAGE_LIMIT_MS * 3).then(() => { if (!this.killed.has(child)) this.surprises.push(child.stderr.slice(-2_000)); });
    await child.line(/^ready$/, 60_000);
    return child;
  }

  private async kill(victim: OutboxVictim): Promise<void> {
    const { node, killDatabase } = this.parts;
    switch (victim) {
      case 'orders':
        await this.kill9(this.orders);
        this.orders = await this.start(true);
        return;
      case 'worker':
        await this.kill9(this.workers.shift() as Child);
        this.workers.push(await this.start(false));
        return;
      case 'rabbitmq':
        await node.kill9();
        return node.start();
      case 'database':
        await killDatabase?.();
    }
  }

  private kill9(child: Child): Promise<unknown> {
    this.killed.add(child);
    return child.stop();
  }
}
