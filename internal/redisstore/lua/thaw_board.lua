#!lua
-- Put some of those who stand beside a board since the freeze onto it, and take off
-- it some of those who have left it since.
--
-- KEYS[1] meta  hash  epoch
-- KEYS[2] thaw  set   scopes that have late places
-- KEYS[3] KEYS[4] KEYS[5]  the layers board, late and kept
-- KEYS[6] KEYS[7] KEYS[8]  the same for hidden people
-- ARGV[1] epoch
-- ARGV[2] scope of the board, "" for the main one
-- ARGV[3] how many at most
--
-- Returns {"ok", how many}, or {"epoch"}. A board that nobody stands beside any
-- more leaves the set.

if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then
  return { 'epoch' }
end
local room = tonumber(ARGV[3])
local function thaw(first)
  if room < 1 then
    return
  end
  local list = redis.call('ZRANGE', KEYS[first + 1], 0, room - 1, 'WITHSCORES')
  for i = 1, #list, 2 do
    redis.call('ZADD', KEYS[first], list[i + 1], list[i])
    redis.call('ZREM', KEYS[first + 1], list[i])
    redis.call('ZREM', KEYS[first + 2], list[i])
  end
  room = room - #list / 2
  if room < 1 then
    return
  end
  -- Nobody is late any more: who is kept has left.
  local gone = redis.call('ZRANGE', KEYS[first + 2], 0, room - 1)
  for _, id in ipairs(gone) do
    redis.call('ZREM', KEYS[first], id)
    redis.call('ZREM', KEYS[first + 2], id)
  end
  room = room - #gone
end
thaw(3)
thaw(6)
if redis.call('EXISTS', KEYS[4], KEYS[5], KEYS[7], KEYS[8]) == 0 then
  redis.call('SREM', KEYS[2], ARGV[2])
end
return { 'ok', tostring(tonumber(ARGV[3]) - room) }
