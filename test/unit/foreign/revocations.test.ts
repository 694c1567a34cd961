import { describe, expect, it } from 'vitest';
import { resolveConfig } from '../../../lib/dispatcher/config/resolve-config.js';
import { Revocations } from '../../../lib/dispatcher/revocations.js';
import { readRevocation } from '../../../lib/foreign/celery/pidbox.js';

const revoke = (given: object, more: object = {}): Buffer => Buffer.from(JSON.stringify({ method: 'revoke', arguments: given, destination: null, pattern: null, matcher: null, ...more }));

describe('what Celery tells all its workers', () => {
  it('revokes one task, or several', () => {
    expect(readRevocation(revoke({ task_id: 'a', terminate: false, signal: 'SIGTERM' }))).toEqual({ ids: ['a'], terminate: false });
    expect(readRevocation(revoke({ task_id: ['a', 5, '', 'b'], terminate: true }))).toEqual({ ids: ['a', 'b'], terminate: true });
  });

  it.each([
    ['of something else', revoke({ task_id: 'a' }, { method: 'ping' })], ['meant for some', revoke({ task_id: 'a' }, { destination: ['w1@host'] })], ['by a pattern', revoke({ task_id: 'a' }, { pattern: 'w*' })],
    ['of nothing', revoke({ task_id: [] })], ['of what is no id', revoke({ task_id: { a: 1 } })], ['without arguments', Buffer.from('{"method":"revoke","arguments":null}')], ['no JSON', Buffer.from('nothing')], ['empty', Buffer.alloc(0)],
    ['of an id that is too long', revoke({ task_id: 'x'.repeat(201) })],
  ])('is nothing to us: %s', (_what, body) => {
    expect(readRevocation(body)).toBe(undefined);
  });
});

describe('revoked tasks', () => {
  const start = () => {
    const asked: string[][] = [];
    const workers = () => [{ cancel: (reasonOf: (task: { uuid: string; headers: object }) => string | undefined) => asked.push(['a', 'b'].filter((uuid) => reasonOf({ uuid, headers: {} }) !== undefined)) }];
    const revocations = new Revocations(resolveConfig({ broker: 'embedded:', exchange: 'tasks', defaultRoutingKey: 'tasks' }), workers as never, () => undefined);
    return { revocations, asked, reasonOf: (uuid: string) => revocations.or(() => undefined)({ uuid, headers: {} }) };
  };

  it('are called off where they have not started, and stopped only where that is said', () => {
    const { revocations, asked, reasonOf } = start();
    expect(reasonOf('a')).toBe(undefined);
    revocations.take({ ids: ['a'], terminate: false });
    expect([reasonOf('a'), reasonOf('b'), asked]).toEqual(['revoked by Celery', undefined, []]);
    revocations.take({ ids: ['b'], terminate: true });
    expect(asked).toEqual([['b']]);
  });

  it('are remembered within a bound, the oldest forgotten first; what is said here comes first', () => {
    const { revocations, reasonOf } = start();
    revocations.take({ ids: ['a'], terminate: false });
    revocations.take({ ids: Array.from({ length: 50_000 }, (_, index) => `id ${index}`), terminate: false });
    expect([reasonOf('a'), reasonOf('id 0'), reasonOf('id 49999')]).toEqual([undefined, 'revoked by Celery', 'revoked by Celery']);
    expect(revocations.or(() => 'by Ann')({ uuid: 'id 0', headers: {} })).toBe('by Ann');
  });

  it('are not listened for without RabbitMQ, or without results of Celery', async () => {
    const { revocations } = start();
    await revocations.watch();
    await revocations.stop();
  });
});
