import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import pg from 'pg';
import { DispatcherModule, DispatcherService, Task, type ServerConfig } from '../../../lib/index.js';
import { DispatcherOutbox, DispatcherOutboxModule, pgOutbox } from '../../../lib/outbox/index.js';

/**
 * An application with an outbox, to be killed: it makes orders, half of which it rolls back, or works them off.
 *
 *     outbox-app.js '{ "postgres": "postgres://...", "config": {...}, "orders": true }'
 *
 * What happened is in the database: `orders` has what was committed, `effects` what was done for it.
 */
export interface OutboxAppConfig {
  readonly postgres: string;
  readonly config: Omit<ServerConfig, 'logger' | 'tlsConfig'>;
  /** It makes orders, without end; else it works. */
  readonly orders: boolean;
}

const { postgres, config, orders } = JSON.parse(process.argv[2] ?? '{}') as OutboxAppConfig;
const AT_ONCE = 8;
const ACCOUNTS = 20;
const pool = new pg.Pool({ connectionString: postgres, max: 20, connectionTimeoutMillis: 5_000 });
// The database is killed: each query says so by itself.
pool.on('error', () => undefined);
const quiet = (): void => undefined;

@Injectable()
class Orders {
  constructor(private readonly outbox: DispatcherOutbox<pg.PoolClient>) {}

  @Task('settle', { inbox: true, retry: { attempts: 10_000, delaySeconds: 0.2, backoff: 'fixed' } })
  async settle(id: string): Promise<void> {
    await this.outbox.transaction.query('INSERT INTO effects (id) VALUES ($1)', [id]);
  }
}

@Module({
  imports: [
    DispatcherModule.forRoot({ logger: { log: quiet, warn: quiet, error: quiet, debug: quiet }, ...config }),
    DispatcherOutboxModule.forRoot({ database: pgOutbox(pool), relay: !orders, pollSeconds: 0.2, orderBy: ({ args: [id] }) => String(Number(String(id?.value).split('-')[1]) % ACCOUNTS) }),
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
    for (;;) await order(app.get(DispatcherService), app.get(DispatcherOutbox), `${process.pid}-${count++}`).catch(() => new Promise((resolve) => setTimeout(resolve, 50)));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

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
    await client.query(Number(id.split('-')[1]) % 2 === 0 ? 'COMMIT' : 'ROLLBACK');
  } catch (error) {
    broken = true;
    throw error;
  } finally {
    client.off('error', noted);
    client.release(broken);
  }
}

void main();
