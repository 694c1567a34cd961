import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { EmbeddedBroker } from '../../lib/brokers/embedded/embedded-broker.js';
import { ConfigurationError } from '../../lib/errors.js';
import { createResultBackend } from '../../lib/state/create-result-backend.js';
import { joinFolder } from '../../lib/state/embedded/lmdb/shared-folder.js';
import type { StateBackend } from '../../lib/state/state-backend.js';
import { eventually } from '../support/wait.js';
import { removeFolder, temporaryFolder } from '../support/temporary-folder.js';
import { describeResultBackend } from './result-backend-contract.js';
import { allMembers, bytes, MINUTE } from './results/fixture.js';

describeResultBackend('embedded: in memory', {
  start: async () => `embedded:#${randomUUID()}`,
  stop: async () => undefined,
});

let folder = '';
describeResultBackend('embedded: in a folder', {
  start: async () => `embedded:${folder = temporaryFolder('results')}`,
  stop: async () => removeFolder(folder),
});

describe('a folder of results', () => {
  const made: StateBackend[] = [];
  const folders: string[] = [];
  afterEach(async () => {
    await Promise.all(made.splice(0).map((backend) => backend.close(5_000)));
    for (const each of folders.splice(0)) removeFolder(each);
  });

  function newFolder(): string {
    const made = temporaryFolder('results');
    folders.push(made);
    return made;
  }

  async function connect(location: string): Promise<StateBackend> {
    const backend = createResultBackend(`embedded:${location}`);
    made.push(backend);
    await backend.connect();
    return backend;
  }

  it('is there again after everybody has closed it', async () => {
    const location = newFolder();
    const first = await connect(location);
    await first.set('k', bytes('v'), MINUTE);
    await first.addMember('k', 'm', bytes('1'), MINUTE);
    await first.close(5_000);
    const second = await connect(location);
    expect(await second.get('k')).toEqual(bytes('v'));
    expect(await allMembers(second, 'k')).toEqual([{ member: 'm', value: bytes('1') }]);
  });

  it('is refused at once when it cannot be one', async () => {
    const location = newFolder();
    writeFileSync(join(location, 'file'), 'x');
    await expect(connect(join(location, 'file'))).rejects.toThrow(ConfigurationError);
  });

  it('shares its place with the data of an embedded broker, whoever comes first', async () => {
    const location = newFolder();
    await connect(location);
    const broker = new EmbeddedBroker({ location, exchange: 'x' });
    await broker.connect();
    await broker.close(5_000);
    expect(broker.state.status).toBe('closed');
  });

  it('holds nothing once what has expired or was deleted is swept', async () => {
    const location = newFolder();
    const user = { changed: () => undefined, blocked: () => undefined, lost: () => undefined, warning: () => undefined };
    const shared = await joinFolder(location, user);
    await shared.write((transaction) => {
      transaction.set('value', bytes('v'), 1);
      for (let member = 0; member < 3_000; member++) transaction.addMember('set', `m${member}`, bytes('1'), 1);
      for (let member = 0; member < 3_000; member++) transaction.addMember('deleted', `m${member}`, bytes('1'), 60_000);
      transaction.set('kept', bytes('v'), 60_000);
      transaction.delete('deleted');
    });
    const entries = (): Record<string, number> => {
      shared.tables.root.resetReadTxn();
      const { values, sets, members, names, expiring, garbage } = shared.tables;
      return Object.fromEntries(Object.entries({ values, sets, members, names, expiring, garbage }).map(([name, table]) => [name, table.getKeysCount()]));
    };
    await eventually(async () => { await shared.sweep(); return entries(); }, ({ members, values }) => members === 0 && values === 1, 'the sweep');
    expect(entries()).toEqual({ values: 1, sets: 0, members: 0, names: 0, expiring: 1, garbage: 0 });
    await shared.leave(user);
  });
});
