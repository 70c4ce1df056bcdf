#!lua
-- Move the line of the waiting room: pass over who stopped asking, forget who was
-- away too long or let in too long ago, and let in who is due, in order.
--
-- KEYS[1] the line            KEYS[2] who waits, by number
-- KEYS[3] who waits, by when they last asked (ms)
-- KEYS[4] who went away       KEYS[5] who was let in, by when it ends (ms)
-- KEYS[6] codes that numbers were used for
-- ARGV[1] now, Unix µs
-- ARGV[2] µs between two who are let in at the rate that is granted now
-- ARGV[3] how much of the time at that rate may be used ahead, µs
-- ARGV[4] how long whoever is let in may take, ms
-- ARGV[5] how long one may be silent before one is passed over, ms
-- ARGV[6] how long one who is passed over keeps the place, ms
-- ARGV[7] how many are moved at most, so that nobody else waits for long
-- ARGV[8] how long the keys outlive the last turn, ms
--
-- Returns {"turned", how many wait, how many were let in}.

local now, step, most = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[7])
local ms = math.floor(now / 1000)
local room = tonumber(ARGV[3])
local whole = function(n) return string.format('%.0f', n) end
local past = function(key, before)
  return redis.call('ZRANGE', key, '-inf', whole(before), 'BYSCORE', 'LIMIT', '0', tostring(most), 'WITHSCORES')
end

redis.call('HSETNX', KEYS[1], 'since', whole(now))
local silent = past(KEYS[3], ms - ARGV[5])
for i = 1, #silent, 2 do
  redis.call('ZREM', KEYS[2], silent[i])
  redis.call('ZREM', KEYS[3], silent[i])
  redis.call('ZADD', KEYS[4], silent[i + 1], silent[i])
end
local gone = past(KEYS[4], ms - ARGV[6])
for i = 1, #gone, 2 do
  redis.call('ZREM', KEYS[4], gone[i])
end
local over = past(KEYS[5], ms)
for i = 1, #over, 2 do
  redis.call('ZREM', KEYS[5], over[i])
  redis.call('HDEL', KEYS[6], over[i])
end

-- A clock that was set back locks nobody out for longer than a burst.
local due = math.min(math.max(tonumber(redis.call('HGET', KEYS[1], 'due') or now), now), now + room)
local free = math.min(math.floor((now + room - due) / step), most)
local next = free > 0 and redis.call('ZRANGE', KEYS[2], '0', tostring(free - 1)) or {}
for _, number in ipairs(next) do
  redis.call('ZREM', KEYS[2], number)
  redis.call('ZREM', KEYS[3], number)
  redis.call('ZADD', KEYS[5], whole(ms + ARGV[4]), number)
end
if #next > 0 then
  redis.call('HSET', KEYS[1], 'due', whole(due + step * #next))
end

-- A room that was closed leaves nothing behind.
if redis.call('PTTL', KEYS[1]) < ARGV[8] / 2 then
  for _, key in ipairs(KEYS) do
    redis.call('PEXPIRE', key, ARGV[8])
  end
end
return { 'turned', tostring(redis.call('ZCARD', KEYS[2])), tostring(#next) }
