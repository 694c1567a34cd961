import 'reflect-metadata';
import { isMainThread, threadId } from 'node:worker_threads';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DispatcherModule, DispatcherService, Task } from '../../../lib/index.js';

/**
 * An application on `embedded:./data` that
 * goes to another working folder as soon as it has started: `relative-folder.js ELSEWHERE [RESULT_BACKEND]`.
 */
const [elsewhere, resultBackend] = process.argv.slice(2) as [string, string | undefined];

@Injectable()
class Tasks {
  constructor(private readonly dispatcher: DispatcherService) {}

  @Task('once', { unique: { scope: 'untilFinished', key: () => 'k' }, result: true })
  once(value: number): number {
    return value + 1;
  }

  /** From the context of a thread, which begins long after the process has gone elsewhere. */
  @Task('from-thread', { thread: true, result: true })
  async fromThread(): Promise<number> {
    await this.dispatcher.publish('once', 1);
    return threadId;
  }
}

@Module({
  imports: [DispatcherModule.forRoot({
    broker: 'embedded:./data', resultBackend, exchange: 'x', defaultRoutingKey: 'k',
    workers: [{ name: 'worker_1', queue: 'q', bindingKeys: ['k'] }],
    threads: { module: __filename, size: 1 },
  })],
  providers: [Tasks],
})
export class RelativeFolderModule {}

async function main(): Promise<void> {
  const app = await NestFactory.createApplicationContext(RelativeFolderModule, { logger: ['error', 'warn'] });
  process.chdir(elsewhere);
  const dispatcher = app.get(DispatcherService);
  const sent = await dispatcher.publish('once', 1);
  console.log(`result ${String(await sent.result({ timeoutSeconds: 30 }))}`);
  const threaded = await dispatcher.publish('from-thread');
  console.log(`thread ${String(await threaded.result({ timeoutSeconds: 60 }))}`);
  await app.close();
  console.log('closed');
}

if (isMainThread) void main();
