import { addingScript, brokerScript, type BrokerScript } from '../scripts/prelude.js';

/**
 * Beside the keys of `prelude.ts`, and those of the other systems, which are named to each script:
 *
 *     foreign       hash: queue -> what is declared of it, as JSON
 *     f:<owner>     hash: number -> what a process holds: take, queue, where from, and the message as it was there, packed
 *     fowners       set: who holds something
 *     fk            hash: digest of a message -> deaths, of what came back
 *     fd            sorted set: what is delayed for a system without delays, packed -> when it is due
 *
 * What is taken is in `f:<owner>` in the same step, so that whoever dies holds what he took, and others can put it back
 * where it came from.
 */
const FOREIGN = `
local function pushTo(to, key, element) redis.call(to == 'L' and 'LPUSH' or 'RPUSH', key, element) end
local function digest(raw) return redis.sha1hex(raw) end
local function mark(raw, deaths)
  if deaths == nil then return end
  if deaths == 0 then redis.call('HSETNX', P .. 'fk', digest(raw), 0) else redis.call('HINCRBY', P .. 'fk', digest(raw), deaths) end
  redis.call('EXPIRE', P .. 'fk', 604800)
end
local function back(packed, deaths)
  local _, _, from, key, more, raw = cmsgpack.unpack(packed)
  if from == 'Z' then
    redis.call('ZADD', key, more, raw)
  elseif from == 'G' then
    if redis.call('LREM', more .. ':inprogress', 1, raw) == 0 then return end
    redis.call('RPUSH', key, raw)
    redis.call('DECR', key .. ':lock')
    redis.call('HINCRBY', key .. ':lock_info', string.sub(more, #key + 2), -1)
  else
    pushTo(from, key, raw)
  end
  mark(raw, deaths)
end
local function done(packed, marks)
  local _, _, from, key, more, raw = cmsgpack.unpack(packed)
  if from == 'G' and redis.call('LREM', more .. ':inprogress', 1, raw) == 1 then
    redis.call('DECR', key .. ':lock')
    redis.call('HINCRBY', key .. ':lock_info', string.sub(more, #key + 2), -1)
  end
  if marks then redis.call('HDEL', P .. 'fk', digest(raw)) end
end
local function heldBy(owner)
  local all, entries = redis.call('HGETALL', P .. 'f:' .. owner), {}
  for at = 1, #all, 2 do entries[#entries + 1] = { tonumber(all[at]), all[at + 1] } end
  table.sort(entries, function(one, other) return one[1] > other[1] end)
  return entries
end
`;

function foreignScript(text: string): BrokerScript {
  return brokerScript(FOREIGN + text);
}

/** How many arguments each line of {@link FOREIGN_TAKE} has. */
export const LINE_ARGUMENTS = 4;

/**
 * ARGV: owner, the take's own number, queue, most messages, most bytes, then of each line where it is taken from, its key,
 * and for a sorted set the member and what it is to say. Returns false where the owner has no lease any more; else whether
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
for at = 7, #ARGV, ${LINE_ARGUMENTS} do
  local from, key = ARGV[at], ARGV[at + 1]
  if from == 'Z' then
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

/** How many arguments each message of {@link FOREIGN_PUT} has. */
export const PUT_ARGUMENTS = 8;

/**
 * ARGV of each message: where to, its key, for what waits with us the end of the list, the unit of scores, the delay in
 * milliseconds, the set where its queue is to be known and under which name, or nothing, and the message.
 */
export const FOREIGN_PUT = addingScript(`${FOREIGN}
local time = redis.call('TIME')
local nowMs = time[1] * 1000 + time[2] / 1000
local function score(unit, delayMs)
  local due = nowMs + delayMs
  if unit == 'i' then return whole(math.ceil(due / 1000)) end
  if unit == 'n' then return whole(due * 1000000) end
  return string.format('%.6f', due / 1000)
end
for at = 2, #ARGV, ${PUT_ARGUMENTS} do
  local to, key, final, unit, delay, set, member, element = unpack(ARGV, at, at + ${PUT_ARGUMENTS - 1})
  if set ~= '' then redis.call('SADD', set, member) end
  if to == 'Z' then
    redis.call('ZADD', key, score(unit, tonumber(delay)), element)
  elseif to == 'D' then
    redis.call('ZADD', P .. 'fd', whole(nowMs + delay + 1), cmsgpack.pack(whole(redis.call('INCR', P .. 'last')), final, key, element))
  else
    pushTo(to, key, element)
  end
end
return 1`);

/** How much is moved at once: the server does nothing else meanwhile. */
const MOVED_AT_ONCE = 100;

/** ARGV: a set, the unit of its scores. Returns the time in milliseconds, and of what is due the first ones. */
export const FOREIGN_DUE = foreignScript(`
local time = redis.call('TIME')
local nowMs = time[1] * 1000 + time[2] / 1000
local bound = ARGV[3] == 'n' and whole(nowMs * 1000000) or string.format('%.6f', nowMs / 1000)
local reply = { whole(math.floor(nowMs)) }
for _, element in ipairs(redis.call('ZRANGEBYSCORE', ARGV[2], '-inf', bound, 'LIMIT', 0, ${MOVED_AT_ONCE})) do reply[#reply + 1] = element end
return reply`);

/** ARGV: a set, then of each one: as it is there, where to, its key, the set where its queue is to be known and as what, or nothing, and as it goes on. Who comes second finds it gone. */
export const FOREIGN_MOVE = foreignScript(`
local moved = 0
for at = 3, #ARGV, 6 do
  local old, to, key, set, member, element = unpack(ARGV, at, at + 5)
  if redis.call('ZREM', ARGV[2], old) == 1 then
    if set ~= '' then redis.call('SADD', set, member) end
    pushTo(to, key, element)
    moved = moved + 1
  end
end
return moved`);

/** What waits with us and is due goes to its list. Returns in how many milliseconds the next is due, or -1. */
export const FOREIGN_OWN_DUE = foreignScript(`
local time = now()
for _, packed in ipairs(redis.call('ZRANGEBYSCORE', P .. 'fd', '-inf', whole(time), 'LIMIT', 0, ${MOVED_AT_ONCE})) do
  local _, final, key, element = cmsgpack.unpack(packed)
  redis.call('ZREM', P .. 'fd', packed)
  pushTo(final, key, element)
end
local next = redis.call('ZRANGE', P .. 'fd', 0, 0, 'WITHSCORES')[2]
return next and math.max(0, next - time) or -1`);

/** ARGV: lines as those of {@link FOREIGN_TAKE}. How many wait in them; of sorted sets all are counted, whatever the queue. */
export const FOREIGN_DEPTH = foreignScript(`
local depth = 0
for at = 2, #ARGV, ${LINE_ARGUMENTS} do
  depth = depth + redis.call(ARGV[at] == 'Z' and 'ZCARD' or 'LLEN', ARGV[at + 1])
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
