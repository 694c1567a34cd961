import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { writeSync } from 'node:fs';
import { DispatcherModule, Task } from '../../../lib/index.js';

/**
 * A worker of ours beside one of machinery or Celery, for tests that kill both. Written at once: a line must not be lost in a
 * buffer when the process is killed.
 *
 *     cross-language.js machinery|celery <broker> <exchange> <queue> <store>
 */
const [format, broker, exchange, queue, store] = process.argv.slice(2) as [string, string, string, string, string];
/** On Redis a queue is the other system's own where it says so. */
const own = broker.startsWith('redis') ? { format } : {};

@Injectable()
class Ours {
  /** Lets others run meanwhile, so that there are several to be killed in. */
  @Task('ours.add')
  async add(...values: (bigint | number | number[])[]): Promise<bigint | number> {
    writeSync(1, 'adding\n');
    await new Promise((resolve) => { setImmediate(resolve); });
    const sum = values.flat().reduce<bigint>((total, value) => total + BigInt(value), 0n);
    writeSync(1, 'added\n');
    return format === 'machinery' ? sum : Number(sum);
  }
}

@Module({
  imports: [DispatcherModule.forRoot({
    broker, exchange, defaultRoutingKey: queue, foreignResults: { [format]: { url: store, expiresInSeconds: 600 } },
    workers: [{ name: 'ours', queue, bindingKeys: [queue], limit: 5, unknownTaskGraceSeconds: 1, ...own }],
  })],
  providers: [Ours],
})
class App {}

async function main(): Promise<void> {
  await NestFactory.createApplicationContext(App, { logger: false });
  writeSync(1, 'consuming\n');
}
void main();
