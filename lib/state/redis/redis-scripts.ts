import { redisScript as script } from '../../redis/redis-script.js';

/**
 * Larger values are not put into a notification: Redis cuts off subscribers that are some megabytes
 * behind. Whoever is told without a value reads it.
 */
const LARGEST_PUSHED_VALUE = 64 * 1024;

/** KEYS[1] value; `channel`, `value`, `expiry` (milliseconds, or empty for never) are locals. */
const WRITE = `
local function write(value, expiry, channel)
  if expiry == '' then redis.call('SET', KEYS[1], value) else redis.call('SET', KEYS[1], value, 'PX', expiry) end
  if #value <= ${LARGEST_PUSHED_VALUE} then redis.call('PUBLISH', channel, '=' .. value) else redis.call('PUBLISH', channel, '!') end
end
`;

/** ARGV: value, expiry, channel. */
export const SET = script(`${WRITE}
write(ARGV[1], ARGV[2], ARGV[3])
return 1`);

/** ARGV: value, expiry, channel. Returns the present value, or nil when it was taken. */
export const SET_IF_ABSENT = script(`${WRITE}
local present = redis.call('GET', KEYS[1])
if present then return present end
write(ARGV[1], ARGV[2], ARGV[3])
return nil`);

/** ARGV: value, expiry, channel, expected. */
export const REPLACE_IF_EQUAL = script(`${WRITE}
if redis.call('GET', KEYS[1]) ~= ARGV[4] then return 0 end
write(ARGV[1], ARGV[2], ARGV[3])
return 1`);

/** ARGV: value. */
export const DELETE_IF_EQUAL = script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`);

/** KEYS: members by name, names in order. ARGV: name, value, expiry. The expiry is never shortened. */
export const ADD_MEMBER = script(`
local added = redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2])
if added == 1 then redis.call('RPUSH', KEYS[2], ARGV[1]) end
local count = redis.call('HLEN', KEYS[1])
if ARGV[3] == '' then
  redis.call('PERSIST', KEYS[1])
  redis.call('PERSIST', KEYS[2])
else
  local left = redis.call('PTTL', KEYS[1])
  local new = added == 1 and count == 1
  if new or (left >= 0 and left < tonumber(ARGV[3])) then
    redis.call('PEXPIRE', KEYS[1], ARGV[3])
    redis.call('PEXPIRE', KEYS[2], ARGV[3])
  end
end
return {count, added}`);

/** KEYS: members by name, names in order. ARGV: position, most members, most bytes. */
export const MEMBERS_PAGE = script(`
local from = tonumber(ARGV[1])
local names = redis.call('LRANGE', KEYS[2], from, from + tonumber(ARGV[2]) - 1)
local page = {}
local bytes = 0
for _, name in ipairs(names) do
  local value = redis.call('HGET', KEYS[1], name)
  page[#page + 1] = name
  page[#page + 1] = value
  bytes = bytes + #value
  if bytes >= tonumber(ARGV[3]) then break end
end
return page`);
