import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { Injectable, Module, type LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { currentTask, DispatcherModule, DispatcherService, Task, type ServerConfig } from '../../../lib/index.js';

/**
 * One of several processes that keep limits together. It prints a line for each start and end of a task, with a time
 * that all processes of this machine share, and publishes what the lines of its standard input say.
 */
export interface LimitedLine {
  event: 'start' | 'end' | 'problem';
  name: string;
  key: string;
  attempt: number;
  /** In milliseconds. */
  at: number;
}

function say(line: Omit<LimitedLine, 'at'>): void {
  console.log(JSON.stringify({ ...line, at: Number(process.hrtime.bigint() / 1_000n) / 1_000 } satisfies LimitedLine));
}

@Injectable()
class Tasks {
  @Task('global', { limits: { global: 3 } }) global(key: string, ms: number): Promise<void> { return this.work('global', key, ms); }
  @Task('keyed', { limits: { perKey: { key: ([key]) => String(key), global: 1 } } }) keyed(key: string, ms: number): Promise<void> { return this.work('keyed', key, ms); }
  @Task('rated', { limits: { rate: { starts: 5, perSeconds: 1.5 } } }) rated(key: string, ms: number): Promise<void> { return this.work('rated', key, ms); }
  @Task('free') free(key: string, ms: number): Promise<void> { return this.work('free', key, ms); }
  @Task('flaky', { limits: { global: 1 }, retry: { attempts: 3, delaySeconds: 0.1, backoff: 'fixed' } })
  async flaky(key: string, ms: number): Promise<void> {
    await this.work('flaky', key, ms);
    if (currentTask()?.attempt !== 3) throw new Error('not yet');
  }

  private async work(name: string, key: string, ms: number): Promise<void> {
    const attempt = currentTask()?.attempt ?? 0;
    say({ event: 'start', name, key, attempt });
    await pause(ms);
    say({ event: 'end', name, key, attempt });
  }
}

const quiet = (): void => undefined;
const logger: LoggerService = { log: quiet, debug: quiet, warn: quiet, error: (text: string) => say({ event: 'problem', name: text, key: '', attempt: 0 }) };

@Module({ imports: [DispatcherModule.forRoot({ logger, ...JSON.parse(process.env.LIMITED_CONFIG ?? '{}') as ServerConfig })], providers: [Tasks] })
class AppModule {}

async function main(): Promise<void> {
  const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
  app.enableShutdownHooks(['SIGTERM'], { useProcessExit: true });
  const lines = createInterface({ input: process.stdin });
  lines.on('line', (line) => {
    const { name, keys, ms } = JSON.parse(line) as { name: string; keys: string[]; ms: number };
    void app.get(DispatcherService).publishMany(keys.map((key) => ({ name, args: [{ type: 'string', value: key }, { type: 'int', value: ms }] }))).then(() => console.log('published'));
  });
  lines.on('close', () => process.exit(1));
  console.log('ready');
}

void main();
