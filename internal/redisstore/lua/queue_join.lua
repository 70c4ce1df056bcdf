#!lua
-- Give a new number of the waiting room: let in at once where nobody waits and the
-- rate allows it, else the last in line.
--
-- KEYS[1] the line            KEYS[2] who waits, by number
-- KEYS[3] who waits, by when they last asked (ms)
-- KEYS[4] who went away       KEYS[5] who was let in, by when it ends (ms)
-- ARGV[1] now, Unix µs
-- ARGV[2] µs between two who are let in at the rate that is granted now
-- ARGV[3] how much of the time at that rate may be used ahead, µs
-- ARGV[4] how long whoever is let in may take, ms
-- ARGV[5] how many may stand in line
--
-- Returns {"admitted", number}, {"waiting", number, how many before it} or {"full"}.

local now, step = tonumber(ARGV[1]), tonumber(ARGV[2])
local room = tonumber(ARGV[3])
local whole = function(n) return string.format('%.0f', n) end
local line = redis.call('HMGET', KEYS[1], 'last', 'due')
local waiting = redis.call('ZCARD', KEYS[2])
-- A clock that was set back locks nobody out for longer than a burst.
local due = math.min(math.max(tonumber(line[2] or now), now), now + room)
local free = waiting == 0 and due + step <= now + room
if not free and waiting + redis.call('ZCARD', KEYS[4]) >= tonumber(ARGV[5]) then
  return { 'full' }
end
-- Numbers are moments, so that they go on rising when Redis was emptied.
local number = whole(math.max(tonumber(line[1] or 0) + 1, now))
redis.call('HSET', KEYS[1], 'last', number)
if free then
  redis.call('HSET', KEYS[1], 'due', whole(due + step))
  redis.call('ZADD', KEYS[5], whole(math.floor(now / 1000) + ARGV[4]), number)
  return { 'admitted', number }
end
redis.call('ZADD', KEYS[2], number, number)
redis.call('ZADD', KEYS[3], whole(math.floor(now / 1000)), number)
return { 'waiting', number, tostring(waiting) }
