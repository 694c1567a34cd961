import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type Database from 'better-sqlite3';
import { DispatcherModule, DispatcherService, Task, type ServerConfig } from '../../../lib/index.js';
import { betterSqlite3Outbox, DispatcherOutbox, DispatcherOutboxModule } from '../../../lib/outbox/index.js';
import { openSqlite } from '../../support/sqlite.js';

/**
 * An application with an outbox in a file of SQLite, to be killed: it makes orders, half of which it rolls back, or works them off.
 *
 *     outbox-sqlite-app.js '{ "file": "/tmp/orders.db", "config": {...}, "orders": true }'
 *
 * What happened is in the file: `orders` has what was committed, `effects` what was done for it.
 */
export interface OutboxSqliteAppConfig {
  readonly file: string;
  readonly config: Omit<ServerConfig, 'logger' | 'tlsConfig'>;
  /** It makes orders, without end; else it works. */
  readonly orders: boolean;
}

const { file, config, orders } = JSON.parse(process.argv[2] ?? '{}') as OutboxSqliteAppConfig;
const AT_ONCE = 4;
const ACCOUNTS = 20;
const ROLLED_BACK = new Error('rolled back');
const database = betterSqlite3Outbox(() => openSqlite(file));
const quiet = (): void => undefined;

@Injectable()
class Orders {
  constructor(private readonly outbox: DispatcherOutbox<Database.Database>) {}

  @Task('settle', { inbox: true, retry: { attempts: 10_000, delaySeconds: 0.2, backoff: 'fixed' } })
  async settle(id: string): Promise<void> {
    this.outbox.transaction.prepare('INSERT INTO effects (id) VALUES (?)').run(id);
    // So that it may be killed between its effect and its end.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

@Module({
  imports: [
    DispatcherModule.forRoot({ logger: { log: quiet, warn: quiet, error: quiet, debug: quiet }, ...config }),
    DispatcherOutboxModule.forRoot({ database, relay: !orders, pollSeconds: 0.2, orderBy: ({ args: [id] }) => String(Number(String(id?.value).split('-')[1]) % ACCOUNTS) }),
  ],
  providers: [Orders],
})
class AppModule {}

async function main(): Promise<void> {
  const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
  app.enableShutdownHooks();
  process.stdout.write('ready\n');
  if (!orders) return;
  let count = 0;
  const work = async (): Promise<void> => {
    for (;;) await order(app.get(DispatcherService), app.get(DispatcherOutbox), `${process.pid}-${count++}`);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

/** What goes wrong beside the roll back ends the process, and with it the test. */
async function order(dispatcher: DispatcherService, outbox: DispatcherOutbox, id: string): Promise<void> {
  await database.transaction(async (connection) => {
    connection.prepare('INSERT INTO orders (id) VALUES (?)').run(id);
    await outbox.within(connection, () => dispatcher.publish('settle', id));
    if (Number(id.split('-')[1]) % 2 === 1) throw ROLLED_BACK;
  }).catch((error: unknown) => { if (error !== ROLLED_BACK) throw error; });
  // Others write too.
  await new Promise((resolve) => setTimeout(resolve, 5));
}

void main();
