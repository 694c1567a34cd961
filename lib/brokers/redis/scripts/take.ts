import { brokerScript } from './prelude.js';

/** So many are looked at together. */
const PIECE = 32;

/**
 * ARGV: owner, the take's own number, queue, most messages, most bytes, whether to be woken where there is no more. Returns false where the owner has no lease any more;
 * else whether more wait, and for each message its number, what it is, and how many deaths it has seen where it came back.
 */
export const TAKE = brokerScript(`
local owner, take, queue, most, mostBytes = ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6])
if not redis.call('ZSCORE', P .. 'leases', owner) then return false end
local reply, entries, count, bytes = { 0 }, {}, 0, 0
local line, returned = P .. 'q:' .. queue, P .. 'r:' .. queue
local marks = redis.call('EXISTS', P .. 'k') == 1
while count < most and bytes < mostBytes do
  local wanted, ids = math.min(${PIECE}, most - count), {}
  local back = redis.call('ZPOPMIN', returned, wanted)
  for at = 1, #back, 2 do ids[#ids + 1] = back[at] end
  if #ids == 0 then ids = redis.call('LPOP', line, wanted) or ids end
  if #ids == 0 then break end
  -- What would be too much goes back to where it was, before anything of it is read: it may be large.
  local fit, size = 0, bytes
  while fit < #ids and (fit + count == 0 or size < mostBytes) do
    fit = fit + 1
    size = size + redis.call('HSTRLEN', P .. 'm', ids[fit])
  end
  if size > mostBytes and fit + count > 1 then fit = fit - 1 end
  for at = #ids, fit + 1, -1 do
    if #back > 0 then redis.call('ZADD', returned, ids[at], ids[at]) else redis.call('LPUSH', line, ids[at]) end
    ids[at] = nil
  end
  if fit == 0 then break end
  local messages = redis.call('HMGET', P .. 'm', unpack(ids))
  local deaths = marks and redis.call('HMGET', P .. 'k', unpack(ids)) or {}
  for at, id in ipairs(ids) do
    if messages[at] then
      count = count + 1
      bytes = bytes + #messages[at]
      entries[#entries + 1] = id
      entries[#entries + 1] = take .. ' ' .. queue
      reply[#reply + 1] = id
      reply[#reply + 1] = messages[at]
      reply[#reply + 1] = deaths[at] or ''
    end
  end
end
if count > 0 then each('HSET', P .. 't:' .. owner, entries, 1, #entries) end
if waiting(queue) > 0 then
  reply[1] = 1
  wake(queue)
elseif count < most and ARGV[7] == '1' then
  redis.call('ZADD', P .. 'w:' .. queue, 'NX', now(), owner)
end
return reply`);

/**
 * ARGV: owner, then of each `a` (done), `r` (back, marked) or `u` (back, as if never taken), its number and that of its take.
 * What the owner does not hold by that take is passed over: it is somebody else's by now, and its number may be used anew.
 */
export const SETTLE = brokerScript(`
local held = P .. 't:' .. ARGV[2]
local ids, done, back = {}, {}, {}
for at = 3, #ARGV, 3 do ids[#ids + 1] = ARGV[at + 1] end
local entries = redis.call('HMGET', held, unpack(ids))
for index, entry in ipairs(entries) do
  local at = index * 3
  local how, id, take = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  if entry and string.sub(entry, 1, #take + 1) == take .. ' ' then
    done[#done + 1] = id
    if how ~= 'a' then back[#back + 1] = { id, queueOf(entry), how } end
  end
end
if #done == 0 then return 0 end
redis.call('HDEL', held, unpack(done))
local woken = {}
if #back == 0 then
  redis.call('HDEL', P .. 'm', unpack(done))
  redis.call('HDEL', P .. 'k', unpack(done))
else
  local gone = {}
  for _, one in ipairs(back) do gone[one[1]] = one end
  for _, id in ipairs(done) do
    local one = gone[id]
    if not one then
      redis.call('HDEL', P .. 'm', id)
      redis.call('HDEL', P .. 'k', id)
    else
      putBack(id, one[2])
      if one[3] == 'r' then redis.call('HSETNX', P .. 'k', id, 0) end
      woken[one[2]] = true
    end
  end
end
for queue in pairs(woken) do wake(queue) end
return #done`);

/** ARGV: queue. Somebody else who waits for it is woken. */
export const PASS_ON = brokerScript(`
if waiting(ARGV[2]) > 0 then wake(ARGV[2]) end
return 1`);

/** ARGV: queue, most. Returns how many were removed. */
export const PURGE = brokerScript(`
local most = tonumber(ARGV[3])
local ids = {}
local back = redis.call('ZPOPMIN', P .. 'r:' .. ARGV[2], most)
for at = 1, #back, 2 do ids[#ids + 1] = back[at] end
if #ids < most then
  for _, id in ipairs(redis.call('LPOP', P .. 'q:' .. ARGV[2], most - #ids) or {}) do ids[#ids + 1] = id end
end
if #ids > 0 then
  each('HDEL', P .. 'm', ids, 1, #ids)
  each('HDEL', P .. 'k', ids, 1, #ids)
end
return #ids`);

/**
 * ARGV: queue, most bytes. What stands before the body of the message that is taken next, which stays; false where there is none, or
 * where it is larger than that: whoever only looks has no large body read for it.
 */
export const FIRST = brokerScript(`
local id = redis.call('ZRANGE', P .. 'r:' .. ARGV[2], 0, 0)[1] or redis.call('LINDEX', P .. 'q:' .. ARGV[2], 0)
if not id or redis.call('HSTRLEN', P .. 'm', id) > tonumber(ARGV[3]) then return false end
local message = redis.call('HGET', P .. 'm', id)
if not message or #message < 4 then return false end
local a, b, c, d = string.byte(message, 1, 4)
return string.sub(message, 1, 4 + ((a * 256 + b) * 256 + c) * 256 + d)`);

/** ARGV: queue. How many wait, or -1 where there is no such queue. */
export const DEPTH = brokerScript(`
if redis.call('HEXISTS', P .. 'queues', ARGV[2]) == 0 then return -1 end
return waiting(ARGV[2])`);
