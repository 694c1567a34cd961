import { Injectable, Module } from '@nestjs/common';
import type Database from 'better-sqlite3';
import { Task, type DispatcherService } from '../../../lib/index.js';
import { betterSqlite3Outbox, DispatcherOutbox } from '../../../lib/outbox/index.js';
import { openSqlite } from '../../support/sqlite.js';
import { isKept, modulesOf, run, told } from './outbox-orders.js';

/** An application with an outbox in a file of SQLite, to be killed; see {@link OutboxAppConfig}. */
const AT_ONCE = 4;
const ROLLED_BACK = new Error('rolled back');
const database = betterSqlite3Outbox(() => openSqlite(told.database));

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

@Module({ imports: modulesOf(database), providers: [Orders] })
class AppModule {}

/** What goes wrong beside the roll back ends the process, and with it the test. */
async function order(dispatcher: DispatcherService, outbox: DispatcherOutbox<Database.Database>, id: string): Promise<void> {
  await database.transaction(async (connection) => {
    connection.prepare('INSERT INTO orders (id) VALUES (?)').run(id);
    await outbox.within(connection, () => dispatcher.publish('settle', id));
    if (!isKept(id)) throw ROLLED_BACK;
  }).catch((error: unknown) => { if (error !== ROLLED_BACK) throw error; });
  // Others write too.
  await new Promise((resolve) => setTimeout(resolve, 5));
}

void run(AppModule, AT_ONCE, order);
