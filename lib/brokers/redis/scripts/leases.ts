import { brokerScript } from './prelude.js';

/**
 * ARGV: owner, whether it is a new one, then the queues that it waits for. Returns 0 where its lease is lost; else 1, in how
 * many milliseconds the next delayed message is due or -1, and those of the queues that have something after all.
 */
export const BEAT = brokerScript(`
local owner, time = ARGV[2], now()
if ARGV[3] ~= '1' and not redis.call('ZSCORE', P .. 'leases', owner) then return { 0 } end
redis.call('ZADD', P .. 'leases', time, owner)
local next = redis.call('ZRANGE', P .. 'delayed', 0, 0, 'WITHSCORES')[2]
local reply = { 1, next and math.max(0, next - time) or -1 }
for at = 4, #ARGV do
  if waiting(ARGV[at]) > 0 then
    reply[#reply + 1] = ARGV[at]
  else
    redis.call('ZADD', P .. 'w:' .. ARGV[at], 'NX', time, owner)
  end
end
return reply`);

/**
 * ARGV: own name, and of how many milliseconds of silence to tell. Returns of each other owner that was silent for longer: its
 * name, when it was heard, and whether it has a connection. Those that were heard in the future are among them: the clock was
 * set back.
 */
export const SILENT = brokerScript(`
local time, reply = now(), {}
for _, range in ipairs({ { '-inf', whole(time - ARGV[3]) }, { whole(time + ARGV[3]), '+inf' } }) do
  local found = redis.call('ZRANGEBYSCORE', P .. 'leases', range[1], range[2], 'WITHSCORES')
  for at = 1, #found, 2 do
    if found[at] ~= ARGV[2] then
      reply[#reply + 1] = found[at]
      reply[#reply + 1] = found[at + 1]
      reply[#reply + 1] = redis.call('PUBSUB', 'NUMSUB', C .. 'w:' .. found[at])[2]
    end
  end
end
return reply`);

/**
 * ARGV: names of the dead, and when each was heard last: who was heard since then is not. What they held goes back, each
 * counted, and their locks are free. Returns names and numbers of what they held.
 */
export const REAP = brokerScript(`
local reply = {}
for at = 2, #ARGV, 2 do
  local owner = ARGV[at]
  if redis.call('ZSCORE', P .. 'leases', owner) == ARGV[at + 1] then
    local held, woken = redis.call('HGETALL', P .. 't:' .. owner), {}
    for entry = 1, #held, 2 do
      local queue = queueOf(held[entry + 1])
      putBack(held[entry], queue)
      redis.call('HINCRBY', P .. 'k', held[entry], 1)
      woken[queue] = true
    end
    redis.call('DEL', P .. 't:' .. owner)
    redis.call('ZREM', P .. 'leases', owner)
    for _, queue in ipairs(redis.call('HKEYS', P .. 'queues')) do redis.call('ZREM', P .. 'w:' .. queue, owner) end
    local locks = redis.call('HGETALL', P .. 'locks')
    for lock = 1, #locks, 2 do
      if locks[lock + 1] == owner then redis.call('HDEL', P .. 'locks', locks[lock]) end
    end
    for queue in pairs(woken) do wake(queue) end
    reply[#reply + 1] = owner
    reply[#reply + 1] = #held / 2
  end
end
return reply`);

/**
 * ARGV: owner, then number and take of all that it knows to hold. What else is in its name goes back as if never taken: the
 * answer that brought it was lost. Returns the numbers of what it does not hold after all.
 */
export const RECONCILE = brokerScript(`
local known, gone, woken = {}, {}, {}
for at = 3, #ARGV, 2 do known[ARGV[at]] = ARGV[at + 1] end
local held = redis.call('HGETALL', P .. 't:' .. ARGV[2])
for at = 1, #held, 2 do
  local id, entry = held[at], held[at + 1]
  if known[id] and string.sub(entry, 1, #known[id] + 1) == known[id] .. ' ' then
    known[id] = nil
  else
    local queue = queueOf(entry)
    redis.call('HDEL', P .. 't:' .. ARGV[2], id)
    putBack(id, queue)
    woken[queue] = true
  end
end
for queue in pairs(woken) do wake(queue) end
for id in pairs(known) do gone[#gone + 1] = id end
return gone`);

/** ARGV: owner, then the queues that it may wait for. It goes in order: what it still holds goes back as if never taken. */
export const RELEASE = brokerScript(`
local held, woken = redis.call('HGETALL', P .. 't:' .. ARGV[2]), {}
for at = 1, #held, 2 do
  local queue = queueOf(held[at + 1])
  putBack(held[at], queue)
  woken[queue] = true
end
redis.call('DEL', P .. 't:' .. ARGV[2])
redis.call('ZREM', P .. 'leases', ARGV[2])
for at = 3, #ARGV do
  redis.call('ZREM', P .. 'w:' .. ARGV[at], ARGV[2])
  if waiting(ARGV[at]) > 0 then woken[ARGV[at]] = true end
end
local locks = redis.call('HGETALL', P .. 'locks')
for lock = 1, #locks, 2 do
  if locks[lock + 1] == ARGV[2] then redis.call('HDEL', P .. 'locks', locks[lock]) end
end
for queue in pairs(woken) do wake(queue) end
return 1`);

/** ARGV: name, owner. */
export const LOCK = brokerScript(`
if not redis.call('ZSCORE', P .. 'leases', ARGV[3]) then return 0 end
return redis.call('HSETNX', P .. 'locks', ARGV[2], ARGV[3])`);

/** ARGV: name, owner. */
export const UNLOCK = brokerScript(`
if redis.call('HGET', P .. 'locks', ARGV[2]) == ARGV[3] then redis.call('HDEL', P .. 'locks', ARGV[2]) end
return 1`);
