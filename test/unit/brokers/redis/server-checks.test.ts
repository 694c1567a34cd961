import { describe, expect, it } from 'vitest';
import { checkServer, knowsScriptFlags, parseInfo } from '../../../../lib/brokers/redis/server-checks.js';
import { BrokerRefusedError, BrokerUnavailableError } from '../../../../lib/errors.js';

const GOOD = { redis_version: '7.0.15', maxmemory_policy: 'noeviction', role: 'master', aof_enabled: '1' };
const infoOf = (lines: Record<string, string>) => parseInfo(`# Server\r\n${Object.entries(lines).map(([name, value]) => `${name}:${value}\r\n`).join('')}`);

describe('the checks of a Redis that is to be a broker', () => {
  it('find nothing in one that is set as it should be', () => {
    expect(checkServer(infoOf(GOOD), 'redis://h')).toEqual([]);
  });

  it.each(['allkeys-lru', 'allkeys-lfu', 'allkeys-random', 'volatile-lru', 'volatile-ttl'])('refuse %s', (policy) => {
    expect(() => checkServer(infoOf({ ...GOOD, maxmemory_policy: policy }), 'redis://h')).toThrow(BrokerRefusedError);
    expect(() => checkServer(infoOf({ ...GOOD, maxmemory_policy: policy }), 'redis://h')).toThrow(/noeviction/);
  });

  it.each([['5.0.14', true], ['6.0.16', true], ['6.2.0', false], ['7.2.4', false], ['10.0.0', false]])('version %s: refused %s', (version, isRefused) => {
    const check = (): unknown => checkServer(infoOf({ ...GOOD, redis_version: version }), 'redis://h');
    if (isRefused) expect(check).toThrow(/6\.2 or newer/);
    else expect(check()).toEqual([]);
  });

  it('send away from a replica, as from one that may be a primary soon', () => {
    expect(() => checkServer(infoOf({ ...GOOD, role: 'slave' }), 'redis://h')).toThrow(BrokerUnavailableError);
  });

  it('warn where a restart loses tasks, and where nothing can be known', () => {
    expect(checkServer(infoOf({ ...GOOD, aof_enabled: '0' }), 'redis://h')).toEqual([expect.stringContaining('appendonly no')]);
    expect(checkServer(parseInfo(''), 'redis://h')).toEqual([expect.stringContaining('maxmemory-policy'), expect.stringContaining('appendonly')]);
  });

  it.each([['6.2.14', false], ['7.0.0', true], ['8.1.0', true], ['', false]])('know of version %j whether its scripts have flags: %s', (version, expected) => {
    expect(knowsScriptFlags(infoOf({ redis_version: version }))).toBe(expected);
  });
});
