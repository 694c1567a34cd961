import { describe, expect, it } from 'vitest';
import type { Finding } from '../../../lib/cli/doctor/finding.js';
import { factsIn } from '../../../lib/cli/doctor/redis/redis-probe.js';
import { serverFindings } from '../../../lib/cli/doctor/redis/redis-server-findings.js';
import { bufferFinding, persistenceFinding, replicasFinding, takeoverFinding } from '../../../lib/cli/doctor/redis/redis-settings-findings.js';

const SOUND = { redis_version: '7.2.4', maxmemory_policy: 'noeviction', role: 'master', used_memory: '1000000', maxmemory: '0', total_system_memory: '8000000000', aof_enabled: '1', aof_last_write_status: 'ok', connected_clients: '3', maxclients: '10000' };
const facts = (changes: Record<string, string> = {}): ReadonlyMap<string, string> => new Map(Object.entries({ ...SOUND, ...changes }));
const of = (findings: readonly Finding[], check: string): Finding | undefined => findings.find((one) => one.check === check);

describe('what the doctor says of INFO', () => {
  it('is nothing bad of a sound server', () => {
    expect(serverFindings(facts()).map(({ status }) => status)).toEqual(['ok', 'ok', 'ok', 'ok']);
  });

  it.each([
    ['redis_version', '6.0.16', 'server version', 'problem'], ['redis_version', '6.2.14', 'server version', 'warning'], ['redis_version', '8.0.2', 'server version', 'ok'],
    ['maxmemory_policy', 'allkeys-lru', 'maxmemory-policy', 'problem'], ['role', 'slave', 'role', 'problem'], ['loading', '1', 'loading', 'problem'],
    ['maxmemory', '1100000', 'memory', 'warning'], ['maxmemory', '900000', 'memory', 'problem'], ['total_system_memory', '1100000', 'memory', 'warning'],
    ['aof_last_write_status', 'err', 'disk', 'problem'], ['rdb_last_bgsave_status', 'err', 'disk', 'problem'], ['maxclients', '3', 'connections', 'warning'],
    ['slave0', 'ip=10.0.0.1,port=6379,state=online,offset=1,lag=25', 'role', 'warning'], ['slave0', 'ip=10.0.0.1,port=6379,state=wait_bgsave,offset=0,lag=0', 'role', 'warning'],
    ['slave0', 'ip=10.0.0.1,port=6379,state=online,offset=1,lag=0', 'role', 'ok'],
  ])('%s %s: %s is a %s', (name, value, check, status) => {
    const finding = of(serverFindings(facts({ [name]: value })), check);
    expect(finding?.status).toBe(status);
    if (status !== 'ok') expect(finding?.todo).toMatch(/\w/);
  });

  it('says which Valkey it is, and what cannot be told where INFO is not allowed', () => {
    expect(serverFindings(facts({ valkey_version: '9.1.2' }))[0]).toMatchObject({ status: 'ok', found: 'Valkey 9.1.2.' });
    expect(serverFindings(new Map())).toEqual([expect.objectContaining({ status: 'unknown', todo: expect.stringContaining('+info') as string })]);
  });

  it('reads what INFO prints', () => {
    expect([...factsIn('# Server\r\nredis_version:7.0.15\r\nslave0:ip=::1,port=1\r\n\r\n')]).toEqual([['redis_version', '7.0.15'], ['slave0', 'ip=::1,port=1']]);
  });
});

describe('what the doctor says of settings', () => {
  const set = (values: Record<string, string> = {}): ReadonlyMap<string, string> => new Map(Object.entries(values));

  it.each([['no', 'always', 'warning'], ['yes', 'always', 'ok'], ['yes', 'everysec', 'ok'], ['yes', 'no', 'warning']])('appendonly %s, appendfsync %s: %s', (appendonly, appendfsync, status) => {
    expect(persistenceFinding(facts(), set({ appendonly, appendfsync })).status).toBe(status);
  });

  it('knows from INFO whether anything is appended, and says what it does not know', () => {
    expect([persistenceFinding(facts({ aof_enabled: '0' }), set()).status, persistenceFinding(facts(), set()).status, persistenceFinding(new Map(), set()).status]).toEqual(['warning', 'unknown', 'unknown']);
  });

  it('names replicas that are missing, and buffers that are too small', () => {
    expect(replicasFinding(facts(), set())).toEqual([]);
    expect(replicasFinding(facts({ min_slaves_good_slaves: '0' }), set({ 'min-replicas-to-write': '1' }))[0]).toMatchObject({ status: 'problem', found: expect.stringContaining('NOREPLICAS') as string });
    expect(replicasFinding(facts({ min_slaves_good_slaves: '1' }), set({ 'min-replicas-to-write': '1' }))[0]).toMatchObject({ status: 'ok' });
    expect(bufferFinding(set({ 'client-output-buffer-limit': 'normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60' }))).toEqual([]);
    expect(bufferFinding(set({ 'client-output-buffer-limit': 'normal 0 0 0 slave 268435456 67108864 60 pubsub 0 0 0' }))).toEqual([]);
    expect(bufferFinding(set({ 'client-output-buffer-limit': 'normal 0 0 0 slave 268435456 67108864 60 pubsub 65536 32768 60' }))[0]?.status).toBe('warning');
  });

  it('says what a long task must not do', () => {
    expect([takeoverFinding(undefined, undefined).status, takeoverFinding(undefined, 29).status, takeoverFinding(undefined, 31).status, takeoverFinding(60, 31).status]).toEqual(['ok', 'ok', 'unknown', 'ok']);
  });
});
