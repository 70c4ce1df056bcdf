#!lua
-- Let one sign-in through the waiting room, or say that it has to wait. A code that
-- was let in is let in again as long as its right holds.
--
-- KEYS[1] the line            KEYS[2] who waits, by number
-- KEYS[3] who was let in, by when it ends (ms)
-- KEYS[4] codes that numbers were used for
-- ARGV[1] now, Unix µs        ARGV[2] the number, "0" without a ticket
-- ARGV[3] the code's name     ARGV[4] how many codes one number signs in
-- ARGV[5] µs between two who are let in at the rate that is granted now
-- ARGV[6] how much of the time at that rate may be used ahead, µs
-- ARGV[7] how long whoever is let in may take, ms
--
-- Returns {"admitted", number} or {"waiting", number, how many before it}.

local now, number, code = tonumber(ARGV[1]), ARGV[2], ARGV[3]
local ms = math.floor(now / 1000)
local whole = function(n) return string.format('%.0f', n) end
local holds = function(who)
  return tonumber(redis.call('ZSCORE', KEYS[3], who) or 0) > ms
end
if holds(code) then
  return { 'admitted', number }
end
if number ~= '0' and holds(number) then
  local used = redis.call('HGET', KEYS[4], number) or ''
  if string.find(' ' .. used .. ' ', ' ' .. code .. ' ', 1, true) then
    return { 'admitted', number }
  end
  local _, codes = string.gsub(used, '%S+', '')
  if codes < tonumber(ARGV[4]) then
    redis.call('HSET', KEYS[4], number, used == '' and code or used .. ' ' .. code)
    return { 'admitted', number }
  end
end
local waiting = redis.call('ZCARD', KEYS[2])
if waiting > 0 then
  local before = number ~= '0' and redis.call('ZRANK', KEYS[2], number)
  return { 'waiting', number, tostring(before or waiting) }
end
local step = tonumber(ARGV[5])
local room = tonumber(ARGV[6])
-- A clock that was set back locks nobody out for longer than a burst.
local due = math.min(math.max(tonumber(redis.call('HGET', KEYS[1], 'due') or now), now), now + room)
if due + step > now + room then
  return { 'waiting', number, '0' }
end
redis.call('HSET', KEYS[1], 'due', whole(due + step))
redis.call('ZADD', KEYS[3], whole(ms + ARGV[7]), code)
return { 'admitted', number }
