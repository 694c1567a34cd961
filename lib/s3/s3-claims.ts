import { DeleteObjectCommand, GetObjectCommand, ListObjectsV2Command, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { Readable } from 'node:stream';
import { CLAIM_KEY, type ClaimStore, ConfigurationError, TaskTooLargeError } from '../index.js';

/** @publicApi */
export interface S3ClaimsOptions {
  /** Of `@aws-sdk/client-s3`, with region, endpoint and credentials as you use it elsewhere. It is yours: nothing closes it. */
  client: S3Client;
  /** The bucket, which must exist. */
  bucket: string;
  /** What the names of all bodies begin with, `claims/`. Default: none. */
  prefix?: string;
}

const REMOVED_AT_A_TIME = 16;
const DAY_MS = 86_400_000;

/**
 * Bodies as objects of a bucket, of S3 or whatever speaks its protocol. For `claimCheck.store` of the configuration.
 *
 * @throws ConfigurationError
 * @publicApi
 */
export function s3Claims({ client, bucket, prefix = '' }: S3ClaimsOptions): ClaimStore {
  if (typeof client?.send !== 'function') throw new ConfigurationError("s3Claims needs a client: new S3Client({ region }) of @aws-sdk/client-s3.", { option: 'client' });
  if (typeof bucket !== 'string' || bucket === '') throw new ConfigurationError('s3Claims needs the name of a bucket.', { option: 'bucket' });
  if (typeof prefix !== 'string') throw new ConfigurationError("The prefix of s3Claims must be a text such as 'claims/'.", { option: 'prefix' });
  return new S3Claims(client, bucket, prefix);
}

class S3Claims implements ClaimStore {
  constructor(private readonly client: S3Client, private readonly bucket: string, private readonly prefix: string) {}

  async put(key: string, body: Buffer): Promise<void> {
    await this.client.send(new PutObjectCommand({ ...this.place(key), Body: body, ContentLength: body.length, ContentType: 'application/octet-stream' }));
  }

  async get(key: string, maxBytes: number): Promise<Buffer | undefined> {
    try {
      const { Body: body, ContentLength: bytes = 0 } = await this.client.send(new GetObjectCommand(this.place(key)));
      if (bytes > maxBytes) {
        // Half a body that is left unread would hold its connection.
        (body as Readable | undefined)?.destroy();
        throw new TaskTooLargeError(`The body in the claim store has ${bytes} bytes; at most ${maxBytes} are taken (maxTaskBytes).`, { key, bytes, maxTaskBytes: maxBytes });
      }
      return Buffer.from(await body?.transformToByteArray() ?? []);
    } catch (error) {
      // A bucket that is not there is a store that is not there.
      if ((error as Error).name === 'NoSuchKey') return undefined;
      throw error;
    }
  }

  async delete(key: string): Promise<void> {
    await this.client.send(new DeleteObjectCommand(this.place(key)));
  }

  async sweep(before: Date): Promise<number> {
    let removed = 0;
    let token: string | undefined;
    do {
      const page = await this.client.send(new ListObjectsV2Command({ Bucket: this.bucket, Prefix: this.prefix, ContinuationToken: token }));
      const objects = (page.Contents ?? []).flatMap(({ Key: name = '', LastModified: at }) => ({ key: name.slice(this.prefix.length), at }));
      const old = objects.filter(({ key, at }) => CLAIM_KEY.test(key) && at !== undefined && at < before).map(({ key }) => key);
      removed += await this.removeAll(old);
      const last = objects.at(-1)?.key ?? '';
      // They come in order, by their day: what follows is younger, whatever clock its day was told by.
      if (CLAIM_KEY.test(last) && Date.parse(last.slice(0, 10)) > before.getTime() + DAY_MS) break;
      token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
    return removed;
  }

  private async removeAll(keys: readonly string[]): Promise<number> {
    for (let first = 0; first < keys.length; first += REMOVED_AT_A_TIME) await Promise.all(keys.slice(first, first + REMOVED_AT_A_TIME).map((key) => this.delete(key)));
    return keys.length;
  }

  /** Keys stand in messages that anybody may have written. */
  private place(key: string): { Bucket: string; Key: string } {
    if (!CLAIM_KEY.test(key)) throw new ConfigurationError(`A key of a claim is a day and a uuid; found ${JSON.stringify(key).slice(0, 100)}.`, { key });
    return { Bucket: this.bucket, Key: `${this.prefix}${key}` };
  }
}
