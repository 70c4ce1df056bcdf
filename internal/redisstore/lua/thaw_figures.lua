#!lua
-- Add some of the figures since the freeze to those of before.
--
-- KEYS[1] meta         hash    epoch
-- KEYS[2] tally        hash    "unit|metric" -> count
-- KEYS[3] tally-late   hash    the same of what came since the freeze
-- KEYS[4] scores       hash    points on the main board -> count
-- KEYS[5] scores-late  hash    the same of what came since the freeze
-- KEYS[6] thaw         set     scopes that have late places
-- ARGV[1] epoch
-- ARGV[2] how many at most
--
-- Returns {"ok", "1" where anything is left, else ""}, or {"epoch"}.

if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then
  return { 'epoch' }
end
local room = tonumber(ARGV[2])
local function thaw(to, from)
  if room < 1 then
    return
  end
  local list = redis.call('HRANDFIELD', from, room, 'WITHVALUES')
  for i = 1, #list, 2 do
    if redis.call('HINCRBY', to, list[i], list[i + 1]) == 0 then
      redis.call('HDEL', to, list[i])
    end
    redis.call('HDEL', from, list[i])
  end
  room = room - #list / 2
end
thaw(KEYS[2], KEYS[3])
thaw(KEYS[4], KEYS[5])
return { 'ok', redis.call('EXISTS', KEYS[3], KEYS[5], KEYS[6]) > 0 and '1' or '' }
