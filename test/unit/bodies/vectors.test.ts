import { createDecipheriv, createHmac, hkdfSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkBodies } from '../../../lib/dispatcher/config/bodies-config.js';
import { Formats } from '../../../lib/formats/formats.js';
import { gofortFormat } from '../../../lib/formats/gofort.js';
import type { BodyKey, ServerConfig } from '../../../lib/index.js';
import { reasonOf } from '../../../lib/worker/dead-letter.js';
import type { TaskHeaders } from '../../../lib/task/task.js';
import { GOLDEN } from '../../support/golden.js';

interface Vector {
  readonly title: string;
  readonly context: string;
  readonly body: string;
  readonly content_type: string;
  readonly content_encoding?: string;
  readonly message_id: string;
  readonly headers: TaskHeaders;
  readonly reason?: string;
}

const { keys, task, messages, refused } = JSON.parse(readFileSync(join(GOLDEN, 'bodies/vectors.json'), 'utf8')) as { keys: BodyKey[]; task: { body: string }; messages: Vector[]; refused: Vector[] };
const messageOf = (vector: Vector) => ({ body: Buffer.from(vector.body, 'base64'), properties: { contentType: vector.content_type, contentEncoding: vector.content_encoding, messageId: vector.message_id, headers: vector.headers } });
const readingOf = (context: string) => new Formats([], new Set(), checkBodies({ encryption: { keys, context }, signing: { keys, context } } as unknown as ServerConfig, 1_000_000)).reading(gofortFormat);

/** As docs/wire-format.md says it, and with nothing of the library: so that the text is enough to write another one. */
function asSpecified({ context, ...vector }: Vector): string {
  const key = (id: string): Buffer => Buffer.from(keys.find((one) => one.id === id)!.secret as string, 'hex');
  const bound = (purpose: string, id: string): string => ['nestjs-dispatcher-body-1', purpose, id, context, vector.message_id, vector.content_type, vector.content_encoding,
    ...['task', 'format', 'version', 'retry', 'workflow', 'key'].map((name) => vector.headers[`x-dispatcher-${name}`] as string | number | undefined)]
    .map((fact) => (fact === undefined ? '-,' : `${Buffer.byteLength(String(fact))}:${String(fact)},`)).join('');
  let body = Buffer.from(vector.body, 'base64');
  const signature = vector.headers['x-dispatcher-signature'] as string | undefined;
  if (signature !== undefined) {
    const [id, mac] = signature.split(' ') as [string, string];
    expect(createHmac('sha256', key(id)).update(bound('sign', id)).update(body).digest('base64url')).toBe(mac);
  }
  for (const coding of (vector.content_encoding ?? '').split(', ').reverse()) {
    if (coding === 'gzip') body = gunzipSync(body);
    if (coding !== 'aes-256-gcm') continue;
    const id = vector.headers['x-dispatcher-key'] as string;
    const derived = Buffer.from(hkdfSync('sha256', key(id), body.subarray(1, 17), 'nestjs-dispatcher-body-1', 44));
    const decipher = createDecipheriv('aes-256-gcm', derived.subarray(0, 32), derived.subarray(32));
    decipher.setAAD(Buffer.from(bound('encrypt', id))).setAuthTag(body.subarray(-16));
    body = Buffer.concat([decipher.update(body.subarray(17, -16)), decipher.final()]);
  }
  return body.toString();
}

describe('the vectors of sealed bodies', () => {
  it.each(messages)('$title: are read as the task', (vector) => {
    expect(readingOf(vector.context).decode(messageOf(vector))).toEqual({ ...gofortFormat.decode({ body: Buffer.from(task.body), properties: {} }), headers: { tenant: 't', 'x-dispatcher-version': 2, 'x-dispatcher-retry': '{"attempts":5}' } });
    expect(asSpecified(vector)).toBe(task.body);
  });

  it.each(refused)('$title: are refused', (vector) => {
    let reason: string | undefined;
    try {
      readingOf(vector.context).decode(messageOf(vector));
    } catch (error) {
      reason = reasonOf(error);
    }
    expect(reason).toBe(vector.reason);
  });
});
