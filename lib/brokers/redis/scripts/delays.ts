import { brokerScript } from './prelude.js';

/** At once at most: the server does nothing else meanwhile. */
const MOST_AT_ONCE = 500;
const MOST_BYTES = 4 * 1024 * 1024;
/** Few enough that they are no more than a take may have, were each as large as can be. */
const PIECE = 8;

/**
 * ARGV: after how many milliseconds what no queue takes is looked at again. Moves what is due to its queues, under new
 * numbers: its place is behind what waits now. Returns in how many milliseconds the next is due or -1, and of each that no
 * queue takes its number, `k` or `q`, that key or queue, and the message; it goes on waiting.
 */
export const DUE = brokerScript(`
local time = now()
local due = redis.call('ZRANGEBYSCORE', P .. 'delayed', '-inf', whole(time), 'LIMIT', 0, ${MOST_AT_ONCE})
local untaken, later, bytes = {}, {}, 0
local last = #due > 0 and tonumber(redis.call('GET', P .. 'last') or '0')
local messages, lines, queues, gone, routes = {}, {}, {}, {}, {}
local function queuesFor(to)
  if to[1] == 'q' then return redis.call('HEXISTS', P .. 'queues', to[2]) == 1 and { to[2] } end
  local bound = redis.call('HGET', P .. 'bindings', to[2])
  if not bound and to[3] ~= '' then bound = redis.call('HGET', P .. 'bindings', to[3]) end
  return bound and cjson.decode(bound)
end
local function routeOf(encoded)
  if not routes[encoded] then
    local to = cjson.decode(encoded)
    routes[encoded] = { to = to, queues = queuesFor(to) }
  end
  return routes[encoded]
end
local function add(queue, message)
  last = last + 1
  local id = whole(last)
  messages[#messages + 1] = id
  messages[#messages + 1] = message
  if not lines[queue] then
    lines[queue] = {}
    queues[#queues + 1] = queue
  end
  table.insert(lines[queue], id)
end
for from = 1, #due, ${PIECE} do
  if bytes > ${MOST_BYTES} then break end
  local to = math.min(from + ${PIECE - 1}, #due)
  local targets, bodies = redis.call('HMGET', P .. 'd', unpack(due, from, to)), redis.call('HMGET', P .. 'm', unpack(due, from, to))
  for at, message in ipairs(bodies) do
    local id = due[from + at - 1]
    local route = targets[at] and message and routeOf(targets[at])
    if route and not route.queues then
      later[#later + 1] = whole(time + ARGV[2])
      later[#later + 1] = id
      for _, part in ipairs({ id, route.to[1], route.to[2], message }) do untaken[#untaken + 1] = part end
    else
      if route then for _, queue in ipairs(route.queues) do add(queue, message) end end
      gone[#gone + 1] = id
    end
    bytes = bytes + (message and #message or 0)
  end
end
if #messages > 0 then
  redis.call('SET', P .. 'last', whole(last))
  each('HSET', P .. 'm', messages, 1, #messages)
  for _, queue in ipairs(queues) do each('RPUSH', P .. 'q:' .. queue, lines[queue], 1, #lines[queue]) end
end
if #gone > 0 then
  each('HDEL', P .. 'm', gone, 1, #gone)
  each('HDEL', P .. 'd', gone, 1, #gone)
  each('ZREM', P .. 'delayed', gone, 1, #gone)
end
if #later > 0 then each('ZADD', P .. 'delayed', later, 1, #later) end
for _, queue in ipairs(queues) do wake(queue) end
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
