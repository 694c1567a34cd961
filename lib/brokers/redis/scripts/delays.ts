import { brokerScript } from './prelude.js';

/** At once at most: the server does nothing else meanwhile. */
const MOST_AT_ONCE = 200;
const MOST_BYTES = 4 * 1024 * 1024;

/**
 * ARGV: after how many milliseconds what no queue takes is looked at again. Moves what is due to its queues, under new
 * numbers: its place is behind what waits now. Returns in how many milliseconds the next is due or -1, and of each that no
 * queue takes its number, `k` or `q`, that key or queue, and the message; it goes on waiting.
 */
export const DUE = brokerScript(`
local time = now()
local ids = redis.call('ZRANGEBYSCORE', P .. 'delayed', '-inf', whole(time), 'LIMIT', 0, ${MOST_AT_ONCE})
local untaken, woken, bytes = {}, {}, 0
local function queuesFor(to)
  if to[1] == 'q' then return redis.call('HEXISTS', P .. 'queues', to[2]) == 1 and { to[2] } end
  local bound = redis.call('HGET', P .. 'bindings', to[2])
  if not bound and to[3] ~= '' then bound = redis.call('HGET', P .. 'bindings', to[3]) end
  return bound and cjson.decode(bound)
end
for _, id in ipairs(ids) do
  if bytes > ${MOST_BYTES} then break end
  local encoded, message = redis.call('HGET', P .. 'd', id), redis.call('HGET', P .. 'm', id)
  local to = encoded and message and cjson.decode(encoded)
  local queues = to and queuesFor(to)
  if queues then
    for _, queue in ipairs(queues) do
      local new = redis.call('INCR', P .. 'last')
      redis.call('HSET', P .. 'm', new, message)
      redis.call('RPUSH', P .. 'q:' .. queue, new)
      woken[queue] = true
    end
  end
  if queues or not to then
    redis.call('HDEL', P .. 'm', id)
    redis.call('HDEL', P .. 'd', id)
    redis.call('ZREM', P .. 'delayed', id)
  else
    redis.call('ZADD', P .. 'delayed', whole(time + ARGV[2]), id)
    for _, part in ipairs({ id, to[1], to[2], message }) do untaken[#untaken + 1] = part end
  end
  bytes = bytes + (message and #message or 0)
end
for queue in pairs(woken) do wake(queue) end
local next = redis.call('ZRANGE', P .. 'delayed', 0, 0, 'WITHSCORES')[2]
return { next and math.max(0, next - time) or -1, unpack(untaken) }`);

/** ARGV: number, queue, message. Puts aside what was delayed and is still there; the queue is made where it is missing. */
export const BURY = brokerScript(`
if not redis.call('ZSCORE', P .. 'delayed', ARGV[2]) then return 0 end
redis.call('HSETNX', P .. 'queues', ARGV[3], 'classic')
local new = redis.call('INCR', P .. 'last')
redis.call('HSET', P .. 'm', new, ARGV[4])
redis.call('HDEL', P .. 'm', ARGV[2])
redis.call('HDEL', P .. 'd', ARGV[2])
redis.call('ZREM', P .. 'delayed', ARGV[2])
redis.call('RPUSH', P .. 'q:' .. ARGV[3], new)
wake(ARGV[3])
return 1`);

/** ARGV: bounds in milliseconds, ascending. Returns how many are due within each and not within the one before, then the others. */
export const DELAYED_WITHIN = brokerScript(`
local time, reply, from, counted = now(), {}, '-inf', 0
for at = 2, #ARGV do
  local to = whole(time + ARGV[at])
  reply[#reply + 1] = redis.call('ZCOUNT', P .. 'delayed', from, to)
  counted = counted + reply[#reply]
  from = '(' .. to
end
reply[#reply + 1] = redis.call('ZCARD', P .. 'delayed') - counted
return reply`);
