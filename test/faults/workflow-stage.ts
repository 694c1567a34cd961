import { startScript, type Child } from '../support/processes.js';
import { RedisServer } from '../support/redis.js';
import { startRabbitMq, type RabbitMqNode } from '../support/rabbitmq.js';
import { removeFolder, temporaryFolder } from '../support/temporary-folder.js';
import { onTestFinished } from '../support/test-end.js';
import { uniqueName } from '../support/shared-rabbitmq.js';
import { Arrivals } from '../support/wait.js';
import { CONFIG_VARIABLE, type AppConfig } from './apps/protocol.js';
import type { WorkflowCommand, WorkflowNote } from './apps/workflow-protocol.js';

/** One process, and the notes of all of them together. */
export class App {
  private readonly child: Child;
  private readonly ready = new Arrivals<true>();

  constructor(config: AppConfig, notes: Arrivals<WorkflowNote>) {
    this.child = startScript('test/faults/apps/workflow-app.ts', { env: { [CONFIG_VARIABLE]: JSON.stringify(config), DISPATCHER_ROLE: '' } });
    this.child.onLine((line) => {
      const note = JSON.parse(line) as WorkflowNote;
      if (note.kind === 'ready') this.ready.add(true);
      notes.add(note);
    });
  }

  get pid(): number { return this.child.pid; }
  started(): Promise<unknown> { return this.ready.count(1, 120_000, `ready application; it said ${this.child.stderr}`); }
  tell(command: WorkflowCommand): void { this.child.send(JSON.stringify(command)); }
  kill9(): Promise<void> { return this.child.stop(); }
}

export interface Stage {
  readonly notes: Arrivals<WorkflowNote>;
  readonly publisher: App;
  readonly workers: App[];
  startWorker(): App;
  startPublisher(): App;
}

/** A publisher and some workers on one queue. */
export async function stage(common: Partial<AppConfig>, workers: number, limit: number): Promise<Stage> {
  const exchange = uniqueName('workflow-faults');
  const queue = `${exchange}.q`;
  const notes = new Arrivals<WorkflowNote>();
  const base: AppConfig = { exchange, defaultRoutingKey: 'key', reconnectionIntervalSeconds: 0.2, ...common };
  const apps: App[] = [];
  const make = (config: AppConfig): App => {
    const app = new App(config, notes);
    apps.push(app);
    return app;
  };
  onTestFinished(async () => { await Promise.all(apps.map((app) => app.kill9())); });
  const startWorker = (): App => make({ ...base, workers: [{ name: 'w', queue, limit, bindingKeys: ['key'] }] });
  const startPublisher = (): App => make({ ...base, role: 'publisher', initQueues: [{ name: queue, bindingKeys: ['key'] }] });
  const publisher = startPublisher();
  const all = { notes, publisher, workers: Array.from({ length: workers }, startWorker), startWorker, startPublisher };
  await Promise.all([publisher, ...all.workers].map((app) => app.started()));
  return all;
}

/** A server that is killed and started again, under the name that the ledger has for it. */
export interface Victim {
  readonly name: string;
  kill9(): Promise<void>;
  start(): Promise<void>;
}

function victim(name: string, server: Omit<Victim, 'name'>): Victim {
  return { name, kill9: () => server.kill9(), start: () => server.start() };
}

export interface Place {
  readonly title: string;
  start(): Promise<{ config: Partial<AppConfig>; servers: Victim[] }>;
}

async function rabbit(): Promise<RabbitMqNode> {
  const node = await startRabbitMq();
  onTestFinished(() => node.stop());
  return node;
}

async function redis(): Promise<RedisServer> {
  const server = await RedisServer.start();
  onTestFinished(() => server.stop());
  return server;
}

export const PLACES: readonly Place[] = [
  {
    title: 'RabbitMQ alone',
    start: async () => {
      const node = await rabbit();
      return { config: { broker: node.url }, servers: [victim('RabbitMQ', node)] };
    },
  },
  {
    title: 'RabbitMQ and Redis',
    start: async () => {
      const [node, { url, server }] = await Promise.all([rabbit(), redis()]);
      return { config: { broker: node.url, resultBackend: url }, servers: [victim('RabbitMQ', node), victim('Redis', server)] };
    },
  },
  {
    title: 'an embedded folder',
    start: async () => {
      const folder = temporaryFolder('workflows');
      onTestFinished(() => removeFolder(folder));
      return { config: { broker: `embedded:${folder}` }, servers: [] };
    },
  },
];
