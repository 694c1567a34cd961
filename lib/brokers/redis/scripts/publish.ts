import { addingScript } from './prelude.js';

/** How many arguments each message of {@link PUBLISH} has. */
export const PUBLISH_ARGUMENTS = 5;

/**
 * ARGV for each message: `q` (one queue) or `k` (a routing key); its name; the key without its level, or nothing; the delay
 * in whole milliseconds, 0 for none; the message. Returns a character for each: `y` taken, `n` there is no queue for it.
 *
 * Numbers are taken in the end: a script that fails in its midst, for want of memory, has then changed nothing.
 */
export const PUBLISH = addingScript(`
local routes, lines, queues, messages, outcomes = {}, {}, {}, {}, {}
local time = now()
local last = tonumber(redis.call('GET', P .. 'last') or '0')
local function route(kind, name)
  local found = routes[kind .. name]
  if found ~= nil then return found end
  if kind == 'q' then
    found = redis.call('HEXISTS', P .. 'queues', name) == 1 and { name }
  else
    local bound = redis.call('HGET', P .. 'bindings', name)
    found = bound and cjson.decode(bound)
  end
  routes[kind .. name] = found
  return found
end
local function add(message)
  last = last + 1
  local id = whole(last)
  messages[#messages + 1] = id
  messages[#messages + 1] = message
  return id
end
local delays, targets, encoded = {}, {}, {}
local function targetOf(kind, name, plain)
  local known = kind .. #name .. ' ' .. name .. plain
  encoded[known] = encoded[known] or cjson.encode({ kind, name, plain })
  return encoded[known]
end
for at = 2, #ARGV, ${PUBLISH_ARGUMENTS} do
  local kind, name, plain, delay, message = ARGV[at], ARGV[at + 1], ARGV[at + 2], tonumber(ARGV[at + 3]), ARGV[at + 4]
  local found = (delay > 0 and kind == 'k') or route(kind, name)
  outcomes[#outcomes + 1] = found and 'y' or 'n'
  if found and delay > 0 then
    local id = add(message)
    delays[#delays + 1] = whole(time + delay + 1)
    delays[#delays + 1] = id
    targets[#targets + 1] = id
    targets[#targets + 1] = targetOf(kind, name, plain)
  elseif found then
    for _, queue in ipairs(found) do
      if not lines[queue] then
        lines[queue] = {}
        queues[#queues + 1] = queue
      end
      table.insert(lines[queue], add(message))
    end
  end
end
if #messages > 0 then
  redis.call('SET', P .. 'last', whole(last))
  each('HSET', P .. 'm', messages, 1, #messages)
end
if #delays > 0 then
  each('HSET', P .. 'd', targets, 1, #targets)
  each('ZADD', P .. 'delayed', delays, 1, #delays)
end
for _, queue in ipairs(queues) do
  each('RPUSH', P .. 'q:' .. queue, lines[queue], 1, #lines[queue])
  wake(queue)
end
return table.concat(outcomes)`);

/** ARGV: queues as JSON, each with name, type and keys. Returns nothing, or the name and the type of one that is there with another. */
export const DECLARE = addingScript(`
local wanted = cjson.decode(ARGV[2])
for _, queue in ipairs(wanted) do
  local found = redis.call('HGET', P .. 'queues', queue[1])
  if found and found ~= queue[2] then return { queue[1], found } end
end
for _, queue in ipairs(wanted) do
  redis.call('HSET', P .. 'queues', queue[1], queue[2])
  for _, key in ipairs(queue[3]) do
    local bound = redis.call('HGET', P .. 'bindings', key)
    local names = bound and cjson.decode(bound) or {}
    local isThere = false
    for _, name in ipairs(names) do isThere = isThere or name == queue[1] end
    if not isThere then
      names[#names + 1] = queue[1]
      redis.call('HSET', P .. 'bindings', key, cjson.encode(names))
    end
  end
end
return {}`);
