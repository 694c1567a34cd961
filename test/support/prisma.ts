import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { PrismaWithTransactions } from '../../lib/outbox/index.js';

interface PrismaClient extends PrismaWithTransactions { $disconnect(): Promise<void> }

type Of<Options> = new (options: Options) => unknown;

/** `scripts/packages-beside.mjs` puts it there where it can be had. */
const required = createRequire(join(process.cwd(), 'node_modules/prisma-for-tests/package.json'));

function isThere(): boolean {
  try {
    return required.resolve('@prisma/client') !== '';
  } catch {
    return false;
  }
}

/** Tests of Prisma are skipped then. */
export const isPrismaMissing = !isThere();
if (isPrismaMissing) console.warn('Prisma is not installed, so the outbox is not tested with it: `npm test` installs it where it can be fetched.');

export function prismaOnPostgres(url: string): PrismaClient {
  const { PrismaPg } = required('@prisma/adapter-pg') as { PrismaPg: Of<{ connectionString: string }> };
  return clientOf('postgresql', new PrismaPg({ connectionString: url }));
}

export function prismaOnMariaDb(url: string): PrismaClient {
  const { PrismaMariaDb } = required('@prisma/adapter-mariadb') as { PrismaMariaDb: Of<object> };
  const { hostname, port, username, password, pathname } = new URL(url);
  return clientOf('mysql', new PrismaMariaDb({ host: hostname, port: Number(port), user: username, password, database: pathname.slice(1) }));
}

function clientOf(provider: string, adapter: unknown): PrismaClient {
  const { PrismaClient } = required(`./generated-${provider}`) as { PrismaClient: new (options: { adapter: unknown }) => PrismaClient };
  return new PrismaClient({ adapter });
}
