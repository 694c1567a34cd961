import { describe, expect, it } from 'vitest';
import { BROKER_FOLDER } from '../../../lib/brokers/embedded/lmdb/tables.js';
import { ConfigurationError } from '../../../lib/errors.js';
import { loadDriver } from '../../../lib/lmdb/load-driver.js';

function failing(message: string, code?: string): () => never {
  return () => { throw Object.assign(new Error(message), { code }); };
}

describe('loadDriver', () => {
  it('names the command that installs the missing package, and what works without it', () => {
    const load = (): unknown => loadDriver(BROKER_FOLDER, '/tasks', failing("Cannot find module 'lmdb'", 'MODULE_NOT_FOUND'));
    expect(load).toThrow(ConfigurationError);
    expect(load).toThrow(/embedded broker needs the package lmdb.*'\/tasks'.*not installed.*npm install lmdb.*embedded:.*RabbitMQ/);
  });

  it('says so where the package is there and its library is not', () => {
    const load = (): unknown => loadDriver(BROKER_FOLDER, '/tasks', failing('No native build was found for platform=sunos', undefined));
    expect(load).toThrow(ConfigurationError);
    expect(load).toThrow(/cannot be loaded.*No native build was found.*npm install lmdb/);
  });
});
