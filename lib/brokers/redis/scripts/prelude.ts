import { redisScript, type RedisScript } from '../../../redis/redis-script.js';

/**
 * What stands before every script. `KEYS[1]` begins the names of all keys of the exchange, `ARGV[1]` those of its channels.
 *
 * The keys, behind `KEYS[1]`; a message is known by its number, which rises with each:
 *
 *     last          the last number given
 *     queues        hash: queue -> type                    bindings   hash: routing key -> queues, as JSON
 *     q:<queue>     list of numbers, oldest first          r:<queue>  sorted set of those that came back, by number
 *     m             hash: number -> message                k          hash: number -> deaths, of what came back
 *     t:<owner>     hash: number -> "take queue", of what a process holds
 *     leases        sorted set: owner -> when it was last heard, by this server's clock
 *     w:<queue>     sorted set: owners that wait for the queue, longest first
 *     delayed       sorted set: number -> when it is due   d          hash: number -> where to, as JSON
 *     locks         hash: name -> owner
 *
 * Everything of an exchange is in one slot of a cluster, so that a script may reach all of it.
 */
const PRELUDE = `
local P, C = KEYS[1], ARGV[1]
local function whole(number) return string.format('%.0f', number) end
local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
local function each(command, key, items, first, last)
  for from = first, last, 1000 do redis.call(command, key, unpack(items, from, math.min(from + 999, last))) end
end
local function waiting(queue) return redis.call('LLEN', P .. 'q:' .. queue) + redis.call('ZCARD', P .. 'r:' .. queue) end
local function wake(queue)
  while true do
    local owner = redis.call('ZPOPMIN', P .. 'w:' .. queue)[1]
    if not owner then return end
    if redis.call('PUBLISH', C .. 'w:' .. owner, queue) > 0 then return end
  end
end
local function putBack(id, queue)
  redis.call('ZADD', P .. 'r:' .. queue, id, id)
end
local function queueOf(entry) return string.sub(entry, string.find(entry, ' ', 1, true) + 1) end
`;

export interface BrokerScript {
  /** For servers before 7.0, and for what is to fail where there is no memory. */
  readonly plain: RedisScript;
  /** From 7.0 on it runs without memory to spare: what is there must be worked off, or it would never be free again. */
  readonly always: RedisScript;
}

const WITHOUT_MEMORY = '#!lua flags=allow-oom\n';

export function brokerScript(text: string): BrokerScript {
  const plain = PRELUDE + text;
  return { plain: redisScript(plain), always: redisScript(WITHOUT_MEMORY + plain) };
}

/** One that adds to what is kept. */
export function addingScript(text: string): BrokerScript {
  const plain = redisScript(PRELUDE + text);
  return { plain, always: plain };
}
