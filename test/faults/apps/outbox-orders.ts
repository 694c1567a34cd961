import type { DynamicModule, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DispatcherModule, DispatcherService, type ServerConfig } from '../../../lib/index.js';
import { DispatcherOutbox, DispatcherOutboxModule, type OutboxDatabase } from '../../../lib/outbox/index.js';

/**
 * What an application with an outbox is told as its first argument, to be killed: it makes orders, half of which it rolls
 * back, or works them off. What happened is in the database: `orders` has what was committed, `effects` what was done for it.
 */
export interface OutboxAppConfig {
  /** The URL of the database, or its file. */
  readonly database: string;
  readonly config: Omit<ServerConfig, 'logger' | 'tlsConfig'>;
  /** It makes orders, without end; else it works. */
  readonly orders: boolean;
}

const ACCOUNTS = 20;
const quiet = (): void => undefined;

export const told = JSON.parse(process.argv[2] ?? '{}') as OutboxAppConfig;

/** Each number that a process gives to its orders is even where they are to be kept. */
export function isKept(id: string): boolean {
  return Number(id.split('-')[1]) % 2 === 0;
}

export function modulesOf<Transaction>(database: OutboxDatabase<Transaction>): DynamicModule[] {
  const { config, orders } = told;
  return [
    DispatcherModule.forRoot({ logger: { log: quiet, warn: quiet, error: quiet, debug: quiet }, ...config }),
    DispatcherOutboxModule.forRoot({ database, relay: !orders, pollSeconds: 0.2, orderBy: ({ args: [id] }) => String(Number(String(id?.value).split('-')[1]) % ACCOUNTS) }),
  ];
}

/** @param order makes one, in a transaction of its own, `atOnce` of them side by side. What it rejects with ends the process */
export async function run<Transaction>(module: Type, atOnce: number, order: (dispatcher: DispatcherService, outbox: DispatcherOutbox<Transaction>, id: string) => Promise<void>): Promise<void> {
  const app = await NestFactory.createApplicationContext(module, { logger: false });
  app.enableShutdownHooks();
  process.stdout.write('ready\n');
  if (!told.orders) return;
  let count = 0;
  const work = async (): Promise<void> => {
    for (;;) await order(app.get(DispatcherService), app.get<DispatcherOutbox<Transaction>>(DispatcherOutbox), `${process.pid}-${count++}`);
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}
