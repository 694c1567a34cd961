import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { Injectable, Module, type LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Arg, DispatcherModule, Task, TaskContext, type ServerConfig } from '../../../lib/index.js';

/** One of several processes that are looked at: a worker whose tasks do as their arguments say. */
@Injectable()
class Tasks {
  @Task('work')
  async work(@Arg(0) ms: number, @TaskContext() context: TaskContext): Promise<void> {
    context.logger.log('it begins');
    context.progress(0.5, 'half');
    await pause(ms);
  }
}

const quiet = (): void => undefined;
const logger: LoggerService = { log: quiet, debug: quiet, warn: quiet, error: (text: string) => console.log(`error ${text}`) };

@Module({ imports: [DispatcherModule.forRoot({ logger, ...JSON.parse(process.env.INSPECTED_CONFIG ?? '{}') as ServerConfig })], providers: [Tasks] })
class AppModule {}

async function main(): Promise<void> {
  const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
  app.enableShutdownHooks(['SIGTERM'], { useProcessExit: true });
  createInterface({ input: process.stdin }).on('close', () => process.exit(1));
  console.log('ready');
}

void main();
