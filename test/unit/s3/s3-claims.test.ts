import type { S3Client } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { s3Claims, type S3ClaimsOptions } from '../../../lib/s3/index.js';

describe('s3Claims', () => {
  const client = { send: () => Promise.resolve({}) } as unknown as S3Client;

  it.each<[Partial<Record<keyof S3ClaimsOptions, unknown>>, string]>([
    [{ bucket: 'b' }, 'needs a client'], [{ client: {}, bucket: 'b' }, 'needs a client'], [{ client }, 'the name of a bucket'], [{ client, bucket: '' }, 'the name of a bucket'], [{ client, bucket: 'b', prefix: 5 }, 'prefix of s3Claims'],
  ])('refuses %o', (options, problem) => {
    expect(() => s3Claims(options as S3ClaimsOptions)).toThrow(problem);
  });
});
