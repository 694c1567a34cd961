import { createInterface } from 'node:readline';
import { Module, type INestApplicationContext, type LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DispatcherError, DispatcherModule, DispatcherService, type TaskInput } from '../../../lib/index.js';
import { LedgerTasks } from './ledger-tasks.js';
import { CONFIG_VARIABLE, type AppConfig, type Burst, type Command } from './protocol.js';
import { REFUSED_TASKS } from './refused-tasks.js';
import { say } from '../../support/say.js';

/** A Nest application as users write them: publisher, worker or both, as its configuration says. */

const logger: LoggerService = {
  log: (text: string) => say({ note: 'log', level: 'log', text }),
  warn: (text: string) => say({ note: 'log', level: 'warn', text }),
  error: (text: string) => say({ note: 'log', level: 'error', text }),
  debug: (text: string) => say({ note: 'log', level: 'debug', text }),
};

const config = JSON.parse(process.env[CONFIG_VARIABLE] ?? '{}') as AppConfig;

@Module({ imports: [DispatcherModule.forRoot({ logger, ...config })], providers: [LedgerTasks] })
class AppModule {}

async function main(): Promise<void> {
  const app = await NestFactory.createApplicationContext(AppModule, { logger: false, abortOnError: false });
  app.enableShutdownHooks(['SIGTERM'], { useProcessExit: true });
  const lines = createInterface({ input: process.stdin });
  lines.on('line', (line) => obey(app, JSON.parse(line) as Command));
  // The test is gone: nobody would end this process any more.
  lines.on('close', () => process.exit(1));
  say({ note: 'ready' });
}

function obey(app: INestApplicationContext, command: Command): void {
  const service = app.get(DispatcherService);
  switch (command.do) {
    case 'publish': void publish(service, command.task); break;
    case 'burst': void burst(service, command.burst); break;
    case 'publish-refused': void publishRefused(service); break;
    case 'release': app.get(LedgerTasks).release(); break;
  }
}

async function burst(service: DispatcherService, { prefix, count, window, workMs, failEvery }: Burst): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) {
      const number = next++;
      const fails = failEvery !== undefined && number % failEvery === failEvery - 1;
      await publish(service, { uuid: `${prefix}-${number}`, name: fails ? 'fails' : 'work', args: [{ type: 'int', value: workMs }] });
    }
  };
  await Promise.all(Array.from({ length: window }, lane));
  say({ note: 'burst-done', prefix });
}

async function publish(service: DispatcherService, task: TaskInput & { uuid: string }): Promise<void> {
  const { uuid } = task;
  const startedAt = performance.now();
  try {
    await service.publish(task);
    say({ kind: 'accepted', uuid });
  } catch (error) {
    say({ kind: 'rejected', uuid, ...described(error), tookMs: Math.round(performance.now() - startedAt) });
  }
}

async function publishRefused(service: DispatcherService): Promise<void> {
  for (const { title, task } of REFUSED_TASKS) {
    try {
      await service.publish(task());
      say({ note: 'refused', title, text: 'it was accepted' });
    } catch (error) {
      say({ note: 'refused', title, ...described(error) });
    }
  }
}

/** Whatever is not an error of the library shows as what it is. */
function described(error: unknown): { code: string; text: string } {
  return error instanceof DispatcherError ? { code: error.code, text: error.message } : { code: 'UNTYPED', text: String(error) };
}

main().catch((error: unknown) => {
  console.error(error instanceof DispatcherError ? `${error.code} ${error.message}` : error);
  process.exitCode = 1;
});
