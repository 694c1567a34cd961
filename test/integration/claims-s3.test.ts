import { DeleteObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { Injectable } from '@nestjs/common';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { claimStoreContract } from '../../lib/contract-suites/index.js';
import { Task, type ClaimStore, type DispatcherEvent } from '../../lib/index.js';
import { s3Claims } from '../../lib/s3/index.js';
import { embeddedFolder, oneWorker, startOn } from '../support/nest-on-broker.js';
import { startS3, type S3Server } from '../support/s3-server.js';
import { Arrivals } from '../support/wait.js';

let server: S3Server | undefined;
/** Why there is none. */
let missing: string | undefined;
const bucket = 'claims';
const clients: S3Client[] = [];
let prefixes = 0;

beforeAll(async () => {
  const started = await startS3();
  if ('unavailable' in started) missing = started.unavailable;
  else server = started;
}, 600_000);
beforeEach((context) => { if (server === undefined) context.skip(`no server for S3: ${missing}`); });
afterAll(async () => {
  for (const client of clients) client.destroy();
  await server?.stop();
});

function newClient(endpoint = server!.endpoint): S3Client {
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, maxAttempts: 1, credentials: { accessKeyId: 'a', secretAccessKey: 'b' } });
  clients.push(client);
  return client;
}

const newStore = (): ClaimStore => s3Claims({ client: newClient(), bucket, prefix: `store-${++prefixes}/` });

claimStoreContract({ describe, it, expect }, 'of S3', async () => Promise.resolve(newStore()));

describe('bodies in S3', () => {
  const KEY = '2026-01-01/6f9b2c1e-0000-4000-8000-000000000001';

  it('are in their bucket and below their prefix, whatever a message says, and leave what is not theirs', async () => {
    const client = newClient();
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'other/file', Body: 'x' }));
    const store = s3Claims({ client, bucket, prefix: 'other/' });
    for (const key of ['../file', 'file', '', `${KEY}/..`]) await expect(store.get(key, 100)).rejects.toThrow('A key of a claim is a day and a uuid');
    await store.put(KEY, Buffer.from('x'));
    expect(await store.sweep(new Date('2100-01-01'))).toBe(1);
    const { Contents: left = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: 'other/' }));
    expect(left.map(({ Key: name }) => name)).toEqual(['other/file']);
    await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'other/file' }));
  });

  it('of a bucket that is not there, or a server that is away, cannot be asked now', async () => {
    await expect(s3Claims({ client: newClient(), bucket: 'nowhere' }).get(KEY, 100)).rejects.toMatchObject({ name: 'NoSuchBucket' });
    await expect(s3Claims({ client: newClient('http://127.0.0.1:1'), bucket }).get(KEY, 100)).rejects.toThrow('ECONNREFUSED');
  });

  it('are swept over many pages', async () => {
    const store = newStore();
    const keys = Array.from({ length: 1_005 }, (_, index) => `2026-01-03/6f9b2c1e-0000-4000-8000-${String(index).padStart(12, '0')}`);
    for (let first = 0; first < keys.length; first += 50) await Promise.all(keys.slice(first, first + 50).map((key) => store.put(key, Buffer.from('x'))));
    expect(await store.sweep(new Date('2000-01-01'))).toBe(0);
    expect(await store.sweep(new Date('2100-01-01'))).toBe(1_005);
  });

  it('come to the handler, and go when its task is done', async () => {
    @Injectable()
    class Tasks {
      readonly ran = new Arrivals<number>();
      @Task('large') large(value: string): void { this.ran.add(value.length); }
    }
    const prefix = `app-${++prefixes}/`;
    const [client, told] = [newClient(), new Arrivals<DispatcherEvent>()];
    const config = { ...oneWorker(embeddedFolder('claims-s3'), 'claims-s3'), claimCheck: { store: s3Claims({ client, bucket, prefix }), whenDone: 'delete' as const } };
    const { app, service } = await startOn(config, { providers: [Tasks] });
    service.events().subscribe(told.add);
    await service.publish('large', 'x'.repeat(2_000_000));
    expect(await app.get(Tasks).ran.count(1)).toEqual([2_000_000]);
    await app.close();
    expect((await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix }))).Contents ?? []).toEqual([]);
    expect(told.all.filter(({ type }) => type === 'broker.warning')).toEqual([]);
  });
});
