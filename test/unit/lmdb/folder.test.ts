import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EmbeddedBroker } from '../../../lib/brokers/embedded/embedded-broker.js';
import { BROKER_FOLDER } from '../../../lib/brokers/embedded/lmdb/tables.js';
import { BrokerUnavailableError, ConfigurationError } from '../../../lib/errors.js';
import { folderProblem } from '../../../lib/lmdb/folder-problem.js';
import { claimFolder as claim } from '../../../lib/lmdb/format-marker.js';
import { removeFolder, temporaryFolder } from '../../support/temporary-folder.js';

const MARKER = 'dispatcher-broker.json';

const claimFolder = (folder: string): void => claim(folder, {
  name: 'embedded broker', file: MARKER, kind: 'nestjs-dispatcher embedded broker', format: 1, tolerated: ['results'],
});

describe('the folder of a durable broker', () => {
  let folder: string;

  beforeEach(() => { folder = temporaryFolder('embedded-unit'); });
  afterEach(() => removeFolder(folder));

  async function connectError(location: string): Promise<Error> {
    const broker = new EmbeddedBroker({ location, exchange: 'x' });
    try {
      return await broker.connect().then(() => { throw new Error('It connected.'); }, (error: Error) => error);
    } finally {
      await broker.close(1000);
    }
  }

  it('becomes ours when empty, and stays ours', () => {
    claimFolder(folder);
    claimFolder(folder);
    expect(readdirSync(folder)).toEqual([MARKER]);
  });

  it('is claimed after a crash in the middle of claiming', () => {
    writeFileSync(join(folder, `${MARKER}.123.new`), '{');
    claimFolder(folder);
    expect(existsSync(join(folder, MARKER))).toBe(true);
  });

  it('is not taken from others, and their files stay', async () => {
    writeFileSync(join(folder, 'thesis.txt'), 'years of work');
    const error = await connectError(folder);
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error.message).toContain('thesis.txt');
    expect(readdirSync(folder)).toEqual(['thesis.txt']);
  });

  it.each([
    ['a newer format', '{"kind":"nestjs-dispatcher embedded broker","format":99}', /newer version.*99.*Upgrade/],
    ['another kind', '{"kind":"else","format":1}', /does not say/],
    ['no JSON', 'broken', /does not say/],
  ])('is refused with a marker of %s', (_, marker, text) => {
    writeFileSync(join(folder, MARKER), marker);
    expect(() => claimFolder(folder)).toThrow(ConfigurationError);
    expect(() => claimFolder(folder)).toThrow(text);
  });

  it('is refused with a damaged data file, which would crash the driver', async () => {
    claimFolder(folder);
    writeFileSync(join(folder, 'data.mdb'), Buffer.alloc(65536, 7));
    expect(await connectError(folder)).toMatchObject({ name: 'ConfigurationError', message: expect.stringContaining('data.mdb') as string });
  });

  it('may not be a file, nor lie under one', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    expect((await connectError(file)).message).toMatch(/is not a folder/);
    expect((await connectError(join(file, 'below'))).message).toMatch(/is not a folder/);
  });

  it('may have a dot in its name, and is made when missing', async () => {
    const location = join(folder, 'deep', 'my.folder');
    const broker = new EmbeddedBroker({ location, exchange: 'x' });
    await broker.connect();
    await broker.close(1000);
    expect(readdirSync(location)).toContain('data.mdb');
  });

  it('keeps a message with properties and a large body from one broker object to the next', async () => {
    mkdirSync(join(folder, 'store'));
    const options = { location: join(folder, 'store'), exchange: 'x' };
    const body = Buffer.alloc(200_000, 'abc');
    const properties = { messageId: 'id', headers: { list: [1, null, { a: true }] } };
    const first = new EmbeddedBroker(options);
    await first.connect();
    await first.declare({ queues: [{ name: 'q' }] });
    await first.publish({ body, properties }, { queue: 'q' });
    await first.close(1000);
    const second = new EmbeddedBroker(options);
    await second.connect();
    const delivery = await new Promise<{ body: Buffer; properties: unknown }>((resolve) => { void second.consume('q', { tag: 't', prefetch: 1 }, resolve); });
    await second.close(1000);
    expect(Buffer.compare(delivery.body, body)).toBe(0);
    expect(delivery.properties).toEqual(properties);
  });
});

describe('folderProblem', () => {
  it.each([
    ['EACCES', ConfigurationError, /may not write/],
    ['EROFS', ConfigurationError, /may not write/],
    [13, ConfigurationError, /may not write/],
    ['ENOTDIR', ConfigurationError, /not a folder/],
    ['ENOSPC', BrokerUnavailableError, /full/],
    [-30792, BrokerUnavailableError, /full/],
    [28, BrokerUnavailableError, /full/],
    [-30793, ConfigurationError, /cannot be read/],
    ['EMFILE', BrokerUnavailableError, /cannot use/],
  ])('turns %s into an error that says what to do', (code, type, text) => {
    const error = folderProblem(BROKER_FOLDER, '/data', Object.assign(new Error('cause'), { code }));
    expect(error).toBeInstanceOf(type);
    expect(error.message).toMatch(text);
    expect(error.message).toContain("'/data'");
  });
});
