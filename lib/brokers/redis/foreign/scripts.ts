import { brokerScript } from '../scripts/prelude.js';
import { foreignScript } from './foreign-prelude.js';

/** How many arguments each line of {@link FOREIGN_TAKE} has. */
export const LINE_ARGUMENTS = 4;

/**
 * ARGV: owner, the take's own number, queue, most messages, most bytes, then of each line where it is taken from, its key,
 * and for a sorted set the member and what it is to say, for a namespace of gocraft/work the pool and the names, as JSON, or
 * nothing for all that are known. Returns false where the owner has no lease any more; else whether
 * more wait, and for each message its number, what it is, and how many deaths it has seen where it came back.
 */
export const FOREIGN_TAKE = foreignScript(`
local owner, take, queue, most, mostBytes = ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6])
if not redis.call('ZSCORE', P .. 'leases', owner) then return false end
local reply, entries, bytes = { 0 }, {}, 0
local marks = redis.call('EXISTS', P .. 'fk') == 1
local function hold(from, key, more, raw)
  local id = whole(redis.call('INCR', P .. 'last'))
  entries[#entries + 1] = id
  entries[#entries + 1] = cmsgpack.pack(take, queue, from, key, more, raw)
  bytes = bytes + #raw
  reply[#reply + 1] = id
  reply[#reply + 1] = raw
  reply[#reply + 1] = marks and redis.call('HGET', P .. 'fk', digest(raw)) or ''
end
local function full() return #entries >= most * 2 or bytes >= mostBytes end
local function fits(raw, member, value)
  if member == '' then return true end
  local isJson, content = pcall(cjson.decode, raw)
  return isJson and type(content) == 'table' and content[member] == value
end
local function fromSet(key, member, value)
  local at = 0
  while not full() do
    local some = redis.call('ZRANGE', key, at, at + 99, 'WITHSCORES')
    if #some == 0 then return end
    for one = 1, #some, 2 do
      if not full() and fits(some[one], member, value) then
        redis.call('ZREM', key, some[one])
        hold('Z', key, some[one + 1], some[one])
      else
        at = at + 1
      end
    end
  end
end
local function isFree(jobs)
  if redis.call('LLEN', jobs) == 0 or redis.call('EXISTS', jobs .. ':paused') == 1 then return false end
  local most = tonumber(redis.call('GET', jobs .. ':max_concurrency') or '0') or 0
  return most == 0 or (tonumber(redis.call('GET', jobs .. ':lock') or '0') or 0) < most
end
local function fromJobs(namespace, pool, names)
  local jobs = names == '' and redis.call('SMEMBERS', namespace .. 'known_jobs') or cjson.decode(names)
  local taken = #jobs > 0
  while taken and not full() do
    taken = false
    for turn = 1, #jobs do
      local key = namespace .. 'jobs:' .. jobs[(turn + take) % #jobs + 1]
      if not full() and isFree(key) then
        local mine = key .. ':' .. pool
        local raw = redis.call('RPOPLPUSH', key, mine .. ':inprogress')
        redis.call('INCR', key .. ':lock')
        redis.call('HINCRBY', key .. ':lock_info', pool, 1)
        hold('G', key, mine, raw)
        taken = true
      end
    end
  end
  if taken then reply[1] = 1 end
end
for at = 7, #ARGV, ${LINE_ARGUMENTS} do
  local from, key = ARGV[at], ARGV[at + 1]
  if from == 'G' then
    fromJobs(key, ARGV[at + 2], ARGV[at + 3])
  elseif from == 'Z' then
    fromSet(key, ARGV[at + 2], ARGV[at + 3])
  else
    while not full() do
      local raw = redis.call(from == 'L' and 'LPOP' or 'RPOP', key)
      if not raw then break end
      hold(from, key, '', raw)
    end
    if redis.call('LLEN', key) > 0 then reply[1] = 1 end
  end
end
if #entries > 0 then
  each('HSET', P .. 'f:' .. owner, entries, 1, #entries)
  redis.call('SADD', P .. 'fowners', owner)
end
return reply`);

/** As `SETTLE`: ARGV: owner, then of each `a`, `r` or `u`, its number and that of its take. The oldest goes back last, to the very end. */
export const FOREIGN_SETTLE = foreignScript(`
local held, settled, marks = P .. 'f:' .. ARGV[2], {}, redis.call('EXISTS', P .. 'fk') == 1
for at = 3, #ARGV, 3 do
  local how, id, take = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local packed = redis.call('HGET', held, id)
  if packed and cmsgpack.unpack(packed) == take then
    redis.call('HDEL', held, id)
    settled[#settled + 1] = { tonumber(id), how, packed }
  end
end
table.sort(settled, function(one, other) return one[1] > other[1] end)
for _, one in ipairs(settled) do
  if one[2] == 'a' then done(one[3], marks)
  elseif one[2] == 'r' then back(one[3], 0)
  else back(one[3]) end
end
return #settled`);

/** As `RECONCILE`: ARGV: owner, then number and take of all that it knows to hold. */
export const FOREIGN_RECONCILE = foreignScript(`
local known, gone = {}, {}
for at = 3, #ARGV, 2 do known[ARGV[at]] = ARGV[at + 1] end
for _, entry in ipairs(heldBy(ARGV[2])) do
  local id = whole(entry[1])
  if known[id] and cmsgpack.unpack(entry[2]) == known[id] then
    known[id] = nil
  else
    redis.call('HDEL', P .. 'f:' .. ARGV[2], id)
    back(entry[2])
  end
end
for id in pairs(known) do gone[#gone + 1] = id end
return gone`);

/** What was held by those whose lease is gone goes back to where it came from, each counted. Returns names and numbers of what they held. */
export const FOREIGN_REAP = foreignScript(`
local reply = {}
for _, owner in ipairs(redis.call('SMEMBERS', P .. 'fowners')) do
  if not redis.call('ZSCORE', P .. 'leases', owner) then
    local entries = heldBy(owner)
    for _, entry in ipairs(entries) do back(entry[2], 1) end
    redis.call('DEL', P .. 'f:' .. owner)
    redis.call('SREM', P .. 'fowners', owner)
    reply[#reply + 1] = owner
    reply[#reply + 1] = #entries
  end
end
return reply`);

/** ARGV: owner. It goes in order: what it still holds goes back as if never taken. */
export const FOREIGN_RELEASE = foreignScript(`
for _, entry in ipairs(heldBy(ARGV[2])) do back(entry[2]) end
redis.call('DEL', P .. 'f:' .. ARGV[2])
redis.call('SREM', P .. 'fowners', ARGV[2])
return 1`);

/** ARGV: lines as those of {@link FOREIGN_TAKE}. How many wait in them; of sorted sets all are counted, whatever the queue. */
export const FOREIGN_DEPTH = foreignScript(`
local depth = 0
for at = 2, #ARGV, ${LINE_ARGUMENTS} do
  local from, key = ARGV[at], ARGV[at + 1]
  if from == 'G' then
    for _, name in ipairs(redis.call('SMEMBERS', key .. 'known_jobs')) do depth = depth + redis.call('LLEN', key .. 'jobs:' .. name) end
  else
    depth = depth + redis.call(from == 'Z' and 'ZCARD' or 'LLEN', key)
  end
end
return depth`);

/**
 * ARGV: queue, its format, then its binding keys. Returns its format and all its keys by now, which are never fewer, and how
 * many messages of our own wait under its name.
 */
export const FOREIGN_DECLARE = foreignScript(`
local found = redis.call('HGET', P .. 'foreign', ARGV[2])
local queue = found and cjson.decode(found) or { format = ARGV[3], keys = {} }
if queue.format == ARGV[3] then
  for at = 4, #ARGV do queue.keys[ARGV[at]] = true end
  redis.call('HSET', P .. 'foreign', ARGV[2], cjson.encode(queue))
end
return { cjson.encode(queue), redis.call('LLEN', P .. 'q:' .. ARGV[2]) + redis.call('ZCARD', P .. 'r:' .. ARGV[2]) }`);

/** All queues of other systems that anybody has declared: names and what is declared. */
export const FOREIGN_QUEUES = foreignScript(`return redis.call('HGETALL', P .. 'foreign')`);

/** ARGV: commands with their arguments, as JSON. */
export const RUN_ALL = brokerScript(`
for _, command in ipairs(cjson.decode(ARGV[2])) do redis.call(unpack(command)) end
return 1`);

/** ARGV: keys. What is kept under each, or nothing; they are gone then. */
export const FOREIGN_UNIQUE = foreignScript(`
local reply = {}
for at = 2, #ARGV do
  reply[#reply + 1] = redis.call('GET', ARGV[at]) or ''
  redis.call('DEL', ARGV[at])
end
return reply`);

/**
 * ARGV: a namespace of gocraft/work, and after how many seconds of silence a pool is dead. What it had in progress goes back
 * behind what waits, as its own pools do it with each other. Returns how many jobs went back.
 */
export const REAP_POOLS = foreignScript(`
local prefix, count = ARGV[2], 0
local before = redis.call('TIME')[1] - ARGV[3]
for _, pool in ipairs(redis.call('SMEMBERS', prefix .. 'worker_pools')) do
  local beat = tonumber(redis.call('HGET', prefix .. 'worker_pools:' .. pool, 'heartbeat_at') or '')
  if beat and beat < before then
    for name in string.gmatch(redis.call('HGET', prefix .. 'worker_pools:' .. pool, 'job_names') or '', '[^,]+') do
      local key = prefix .. 'jobs:' .. name
      while redis.call('RPOPLPUSH', key .. ':' .. pool .. ':inprogress', key) do
        redis.call('DECR', key .. ':lock')
        redis.call('HINCRBY', key .. ':lock_info', pool, -1)
        count = count + 1
      end
      local left = tonumber(redis.call('HGET', key .. ':lock_info', pool) or '0') or 0
      if left > 0 then redis.call('DECRBY', key .. ':lock', left) end
      redis.call('HDEL', key .. ':lock_info', pool)
    end
    redis.call('DEL', prefix .. 'worker_pools:' .. pool)
    redis.call('SREM', prefix .. 'worker_pools', pool)
  end
end
return count`);
