import { redisScript as script } from '../../redis/redis-script.js';

/**
 * Larger values are not put into a notification: Redis cuts off subscribers that are some megabytes
 * behind. Whoever is told without a value reads it.
 */
const LARGEST_PUSHED_VALUE = 64 * 1024;

/** How each operation of {@link OPERATIONS} is named there, and what follows its name. */
export const Operation = {
  /** Key. */
  get: 'g',
  /** Key, value, expiry. */
  set: 's',
  /** Key, value, expiry. Answers with the present value, or null where it was taken. */
  setIfAbsent: 'n',
  /** Key, value, expiry, expected. */
  replaceIfEqual: 'r',
  /** Key, value. */
  deleteIfEqual: 'd',
  /** Key of the members by name, key of the names in order, name, value, expiry. The expiry is never shortened. */
  addMember: 'm',
} as const;

/**
 * What processes ask for in one turn of the event loop, one after the other; what one of them fails with is its own answer.
 * KEYS: what the names of all keys begin with, for a cluster. ARGV: what stands before a key in the name of its channel; then
 * packed, for each, the name of the operation and what it takes; then how changes are told where others write too (`bare`), or nothing. Expiries are milliseconds, or empty for never.
 */
export const OPERATIONS = script(`
local asked, at = cmsgpack.unpack(ARGV[2]), 0
local function arg() at = at + 1 return asked[at] end
local call = redis.call
local function tell(name, value)
  if ARGV[3] == 'polled' then return end
  if ARGV[3] == 'pushed' then call('PUBLISH', name, value) return end
  if #value <= ${LARGEST_PUSHED_VALUE} then call('PUBLISH', ARGV[1] .. name, '=' .. value) else call('PUBLISH', ARGV[1] .. name, '!') end
end
local function write(name, value, expiry)
  if expiry == '' then call('SET', name, value) else call('SET', name, value, 'PX', expiry) end
  tell(name, value)
end
local operations = {}
function operations.g() return call('GET', arg()) end
function operations.s()
  write(arg(), arg(), arg())
  return 1
end
function operations.n()
  local name, value, expiry = arg(), arg(), arg()
  local taken
  if expiry == '' then taken = call('SET', name, value, 'NX') else taken = call('SET', name, value, 'NX', 'PX', expiry) end
  if not taken then return call('GET', name) end
  tell(name, value)
  return false
end
function operations.r()
  local name, value, expiry, expected = arg(), arg(), arg(), arg()
  if call('GET', name) ~= expected then return 0 end
  write(name, value, expiry)
  return 1
end
function operations.d()
  local name, value = arg(), arg()
  if call('GET', name) ~= value then return 0 end
  return call('DEL', name)
end
function operations.m()
  local members, order, name, value, expiry = arg(), arg(), arg(), arg(), arg()
  local added = call('HSETNX', members, name, value)
  if added == 1 then call('RPUSH', order, name) end
  local count = call('HLEN', members)
  if expiry == '' then
    call('PERSIST', members)
    call('PERSIST', order)
  else
    local left = call('PTTL', members)
    if (added == 1 and count == 1) or (left >= 0 and left < tonumber(expiry)) then
      call('PEXPIRE', members, expiry)
      call('PEXPIRE', order, expiry)
    end
  end
  return { count, added }
end
local replies = {}
while at < #asked do
  local done, reply = pcall(operations[arg()])
  if not done then reply = { err = type(reply) == 'table' and reply.err or tostring(reply) } end
  replies[#replies + 1] = reply
end
return replies`);

/** ARGV: position, most members, most bytes. KEYS: members by name, names in order. */
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
