import { randomUUID } from 'node:crypto';
import { type Finding, ok, problem } from '../finding.js';
import type { RedisProbe } from './redis-probe.js';

/** Should this process die, Redis removes it. */
const KEPT_MS = '10000';

/**
 * Whether this user may do what a broker does: each command once, on one key of the doctor's own with a text in it, so that what
 * is allowed and of another type is answered with WRONGTYPE. Nothing else is touched.
 */
export async function rightsFinding(probe: RedisProbe): Promise<Finding> {
  const key = `${probe.keys}doctor:${randomUUID()}`;
  const refused: string[] = [];
  let where: string | undefined;
  try {
    for (const command of commandsOn(key, `${probe.endpoint.database}:${probe.keys}doctor`)) {
      const answer = await probe.ask(...command);
      if (!('error' in answer) || !answer.error.startsWith('NOPERM')) continue;
      refused.push(command[0] as string);
      where ??= /channel/.test(answer.error) ? 'channels' : /key/.test(answer.error) ? 'keys' : undefined;
    }
  } finally {
    await probe.ask('DEL', key);
  }
  return findingOf(probe, [...new Set(refused)], where);
}

function findingOf({ endpoint: { username }, keys }: RedisProbe, refused: readonly string[], where: string | undefined): Finding {
  const check = 'rights';
  const user = username ?? 'default';
  if (refused.length === 0) return ok(check, `The user "${user}" may do all that a broker does with ${keys}*.`);
  const what = where === undefined ? '' : ` (for some of them it is the ${where} that it may not touch)`;
  return problem(check, `The user "${user}" may not: ${refused.join(', ')}, with ${keys}*${what}.`,
    `redis-cli ACL SETUSER ${user} '~${keys}*' '&*${keys}*' +@all -@dangerous +info; redis-cli ACL SAVE`);
}

/** With what each command needs at least: who gives it less is told so before the right is looked at. */
function commandsOn(key: string, channel: string): string[][] {
  return [
    ['SET', key, 'doctor', 'PX', KEPT_MS],
    ...['GET', 'EXISTS', 'INCR', 'PTTL', 'PERSIST', 'LLEN', 'HLEN', 'HKEYS', 'HGETALL', 'ZCARD', 'ZPOPMIN', 'RPOP', 'LPOP'].map((name) => [name, key]),
    ['PEXPIRE', key, KEPT_MS],
    ...['HGET', 'HMGET', 'HDEL', 'HEXISTS', 'RPUSH', 'ZREM', 'ZSCORE'].map((name) => [name, key, 'a']),
    ...['HSET', 'HSETNX'].map((name) => [name, key, 'a', 'b']), ['HINCRBY', key, 'a', '1'], ['ZADD', key, '1', 'a'],
    ...['ZCOUNT', 'ZRANGE', 'ZRANGEBYSCORE', 'LRANGE'].map((name) => [name, key, '0', '0']),
    ['EVAL', 'return 1', '1', key], ['EVALSHA', '0'.repeat(40), '1', key], ['TIME'], ['PUBLISH', channel, 'doctor'], ['PUBSUB', 'NUMSUB', channel], ['PING'],
    ['UNLINK', key],
  ];
}
