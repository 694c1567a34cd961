import { createInterface } from 'node:readline';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { currentTask, DispatcherModule, DispatcherService, Task, type ServerConfig, type TaskContext } from '../../../lib/index.js';
import { say } from '../../support/say.js';

/** An application with one schedule of every second: says what it starts, and answers "drain" with "drained" and the dead letters. */

export interface TickStarted { readonly uuid: string; readonly tick: number; readonly schedule: string; readonly redelivered: boolean }

@Injectable()
class Tasks {
  @Task('beat', { schedule: { cron: '* * * * * *', missed: 'all' } })
  beat(): void {
    const { uuid, headers, redelivered } = currentTask() as TaskContext;
    say({ uuid, tick: headers['x-dispatcher-tick'], schedule: headers['x-dispatcher-schedule'], redelivered });
  }
}

const config = JSON.parse(process.env.DISPATCHER_SCHEDULE_APP ?? '{}') as ServerConfig;

@Module({ imports: [DispatcherModule.forRoot(config)], providers: [Tasks] })
class AppModule {}

async function main(): Promise<void> {
  const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error'], abortOnError: false });
  app.enableShutdownHooks(['SIGTERM'], { useProcessExit: true });
  const service = app.get(DispatcherService);
  const lines = createInterface({ input: process.stdin });
  const drain = async (): Promise<void> => {
    await service.drain({ timeoutSeconds: 120 });
    const { letters } = await service.deadLetters.list(config.workers?.[0]?.queue ?? '');
    say({ say: 'drained', dead: letters.map(({ id, reason }) => `${id} ${reason}`) });
  };
  lines.on('line', () => { void drain().catch((error: unknown) => say({ say: String(error) })); });
  // The test is gone: nobody would end this process any more.
  lines.on('close', () => process.exit(1));
  say({ say: 'ready' });
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
