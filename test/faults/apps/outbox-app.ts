import { Injectable, Module } from '@nestjs/common';
import pg from 'pg';
import { Task, type DispatcherService } from '../../../lib/index.js';
import { DispatcherOutbox, pgOutbox } from '../../../lib/outbox/index.js';
import { isKept, modulesOf, run, told } from './outbox-orders.js';

/** An application with an outbox in PostgreSQL, to be killed; see {@link OutboxAppConfig}. */
const AT_ONCE = 8;
const pool = new pg.Pool({ connectionString: told.database, max: 20, connectionTimeoutMillis: 5_000 });
// The database is killed: each query says so by itself.
pool.on('error', () => undefined);

@Injectable()
class Orders {
  constructor(private readonly outbox: DispatcherOutbox<pg.PoolClient>) {}

  @Task('settle', { inbox: true, retry: { attempts: 10_000, delaySeconds: 0.2, backoff: 'fixed' } })
  async settle(id: string): Promise<void> {
    await this.outbox.transaction.query('INSERT INTO effects (id) VALUES ($1)', [id]);
  }
}

@Module({ imports: modulesOf(pgOutbox(pool)), providers: [Orders] })
class AppModule {}

async function order(dispatcher: DispatcherService, outbox: DispatcherOutbox<pg.PoolClient>, id: string): Promise<void> {
  const client = await pool.connect();
  let broken = false;
  // More than one comes where the database is killed; one that nobody hears would end this process.
  const noted = (): void => { broken = true; };
  client.on('error', noted);
  try {
    await client.query('BEGIN');
    await client.query('INSERT INTO orders (id) VALUES ($1)', [id]);
    await outbox.within(client, () => dispatcher.publish('settle', id));
    await client.query(isKept(id) ? 'COMMIT' : 'ROLLBACK');
  } catch (error) {
    broken = true;
    throw error;
  } finally {
    client.off('error', noted);
    client.release(broken);
  }
}

void run(AppModule, AT_ONCE, (dispatcher: DispatcherService, outbox: DispatcherOutbox<pg.PoolClient>, id) => order(dispatcher, outbox, id).catch(() => new Promise((resolve) => setTimeout(resolve, 50))));
