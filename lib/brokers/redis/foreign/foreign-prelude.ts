import { brokerScript, type BrokerScript } from '../scripts/prelude.js';

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
export const FOREIGN = `
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

export function foreignScript(text: string): BrokerScript {
  return brokerScript(FOREIGN + text);
}
