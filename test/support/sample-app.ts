import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { startScript, type Child } from './processes.js';
import { removeFromRabbitMq, sharedRabbitMqUrl, uniqueName } from './shared-rabbitmq.js';
import { removeFolder, temporaryFolder } from './temporary-folder.js';

/** A port of 0 lets the system choose; the app says which one it got. */
const DEFAULTS = { PORT: '0', HOST: '', INIT_CWD: '', DISPATCHER_ROLE: '', NO_COLOR: '1', FORCE_COLOR: '0' };

export interface SampleAppOptions {
  /** A broker URL; none is the app's own default. */
  broker?: string;
  prefix?: string;
  env?: NodeJS.ProcessEnv;
}

/** The built sample app as a process of its own. */
export function startSampleApp(args: string[], { broker = '', prefix = '', env }: SampleAppOptions = {}): Child {
  return startScript('sample-app/src/main.ts', { args, env: { ...DEFAULTS, DISPATCHER_AMQP_CON: broker, SAMPLE_APP_PREFIX: prefix, ...env } });
}

/** Where its HTTP API is, once it is there. */
export async function apiOf(app: Child): Promise<string> {
  const line = await app.line(/HTTP API on http/);
  return /http:\/\/\S+?(?=:? POST|:\s)/.exec(line)?.[0] as string;
}

export interface Answer {
  status: number;
  body: Record<string, unknown>;
}

export async function postTask(api: string, body: string | Buffer | object): Promise<Answer> {
  const text = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  const response = await fetch(`${api}/tasks`, { method: 'POST', body: text as string, headers: { 'content-type': 'application/json' } });
  return { status: response.status, body: await response.json() as Record<string, unknown> };
}

export async function health(api: string): Promise<Answer> {
  const response = await fetch(`${api}/health`);
  return { status: response.status, body: await response.json() as Record<string, unknown> };
}

export function writeFiles(folder: string, files: Record<string, string | Buffer>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
}

/** Everything that the app declared on a RabbitMQ under this prefix. */
export function removeSampleApp(url: string, prefix: string): Promise<void> {
  const queues = [...[`${prefix}.words`, `${prefix}.tasks`].flatMap((queue) => [queue, `${queue}.dead`]), `${prefix}.tasks.high`, `${prefix}.tasks.low`, `${prefix}.ledger.v1`];
  return removeFromRabbitMq(url, { exchanges: [prefix], queues });
}

export interface ServedSampleApp {
  /** Both are there once the tests run. */
  readonly app: Child;
  readonly api: string;
  readonly prefix: string;
}

/** For a `describe`: one app, which has counted its folder, serves all of its tests. */
export function serveSampleApp(broker: 'embedded' | 'rabbitmq', purpose: string): ServedSampleApp {
  const url = (): string => (broker === 'rabbitmq' ? sharedRabbitMqUrl() : '');
  const served = { prefix: uniqueName(purpose) } as { app: Child; api: string; prefix: string };
  let folder: string;

  beforeAll(async () => {
    folder = temporaryFolder(purpose);
    writeFiles(folder, { 'one.txt': 'one word or two' });
    served.app = startSampleApp([folder], { broker: url(), prefix: served.prefix });
    served.api = await apiOf(served.app);
    await served.app.line(/Ready for more/);
  });

  afterAll(async () => {
    await served.app.stop();
    removeFolder(folder);
    if (broker === 'rabbitmq') await removeSampleApp(url(), served.prefix);
  });

  return served;
}
