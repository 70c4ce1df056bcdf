#!lua
-- Say where a number of the waiting room stands, and note that it still asks. A
-- number that had gone away takes up its old place.
--
-- KEYS[1] the line            KEYS[2] who waits, by number
-- KEYS[3] who waits, by when they last asked (ms)
-- KEYS[4] who went away       KEYS[5] who was let in, by when it ends (ms)
-- KEYS[6] codes that numbers were used for
-- ARGV[1] now, Unix µs        ARGV[2] the number
-- ARGV[3] how many codes one number signs in
-- ARGV[4] how old the last question may be before this one is noted, ms
-- ARGV[5] how long after a line began older numbers are taken into it, µs
--
-- Returns {"admitted", number}, {"waiting", number, how many before it} or {"unknown"}.

local now, number = tonumber(ARGV[1]), ARGV[2]
local ms = math.floor(now / 1000)
local whole = function(n) return string.format('%.0f', n) end
local ends = redis.call('ZSCORE', KEYS[5], number)
if ends then
  local _, codes = string.gsub(redis.call('HGET', KEYS[6], number) or '', '%S+', '')
  if tonumber(ends) <= ms or codes >= tonumber(ARGV[3]) then
    return { 'unknown' }
  end
  return { 'admitted', number }
end
local before = redis.call('ZRANK', KEYS[2], number)
if before then
  local asked = tonumber(redis.call('ZSCORE', KEYS[3], number) or 0)
  if ms - asked >= tonumber(ARGV[4]) then
    redis.call('ZADD', KEYS[3], whole(ms), number)
  end
  return { 'waiting', number, tostring(before) }
end
-- A line that has just begun is what is left of one that was lost with Redis. Who
-- stood there takes up the old place.
local since = tonumber(redis.call('HGET', KEYS[1], 'since') or now)
local lost = tonumber(number) < since and now - since <= tonumber(ARGV[5])
if not lost and not redis.call('ZSCORE', KEYS[4], number) then
  return { 'unknown' }
end
redis.call('ZREM', KEYS[4], number)
redis.call('ZADD', KEYS[2], number, number)
redis.call('ZADD', KEYS[3], whole(ms), number)
return { 'waiting', number, tostring(redis.call('ZRANK', KEYS[2], number)) }
