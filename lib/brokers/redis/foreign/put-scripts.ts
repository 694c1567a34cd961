import { addingScript } from '../scripts/prelude.js';
import { FOREIGN, foreignScript } from './foreign-prelude.js';

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
  if unit == 'i' then return whole(delayMs > 0 and math.ceil(due / 1000) or math.floor(due / 1000)) end
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

/** What waits with us and is due goes to its list. Returns how many that were. */
export const FOREIGN_OWN_DUE = foreignScript(`
local due = redis.call('ZRANGEBYSCORE', P .. 'fd', '-inf', whole(now()), 'LIMIT', 0, ${MOVED_AT_ONCE})
for _, packed in ipairs(due) do
  local _, final, key, element = cmsgpack.unpack(packed)
  redis.call('ZREM', P .. 'fd', packed)
  pushTo(final, key, element)
end
return #due`);

/** As `DELAYED_WITHIN`, of what waits with us: ARGV: bounds in milliseconds, ascending. */
export const FOREIGN_DELAYED_WITHIN = foreignScript(`
local time, reply, from, counted = now(), {}, '-inf', 0
for at = 2, #ARGV do
  local to = whole(time + ARGV[at])
  reply[#reply + 1] = redis.call('ZCOUNT', P .. 'fd', from, to)
  counted = counted + reply[#reply]
  from = '(' .. to
end
reply[#reply + 1] = redis.call('ZCARD', P .. 'fd') - counted
return reply`);
