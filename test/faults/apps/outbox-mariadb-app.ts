import { Injectable, Module } from '@nestjs/common';
import { createPool } from 'mysql2/promise';
import { Task, type DispatcherService } from '../../../lib/index.js';
import { DispatcherOutbox, mysql2Outbox, type Mysql2Connection } from '../../../lib/outbox/index.js';
import { isKept, modulesOf, run, told } from './outbox-orders.js';

/** An application with an outbox in MariaDB, to be killed; see {@link OutboxAppConfig}. */
const AT_ONCE = 8;
const pool = createPool({ uri: told.database, connectionLimit: 20, connectTimeout: 5_000 });

@Injectable()
class Orders {
  constructor(private readonly outbox: DispatcherOutbox<Mysql2Connection>) {}

  @Task('settle', { inbox: true, retry: { attempts: 10_000, delaySeconds: 0.2, backoff: 'fixed' } })
  async settle(id: string): Promise<void> {
    await this.outbox.transaction.query('INSERT INTO effects (id) VALUES (?)', [id] as never);
  }
}

@Module({ imports: modulesOf(mysql2Outbox(pool)), providers: [Orders] })
class AppModule {}

async function order(dispatcher: DispatcherService, outbox: DispatcherOutbox<Mysql2Connection>, id: string): Promise<void> {
  const connection = await pool.getConnection();
  let isBroken = true;
  try {
    await connection.beginTransaction();
    await connection.query('INSERT INTO orders (id) VALUES (?)', [id]);
    await outbox.within(connection, () => dispatcher.publish('settle', id));
    await (isKept(id) ? connection.commit() : connection.rollback());
    isBroken = false;
  } finally {
    if (isBroken) connection.destroy();
    else connection.release();
  }
}

void run(AppModule, AT_ONCE, (dispatcher: DispatcherService, outbox: DispatcherOutbox<Mysql2Connection>, id) => order(dispatcher, outbox, id).catch(() => new Promise((resolve) => setTimeout(resolve, 50))));
