#!lua
-- Apply a batch of folded facts and move the cursor, or do neither.
--
-- KEYS[1] fold     hash    pos version
-- KEYS[2] tally    hash    "unit|metric" -> count
-- KEYS[3] minutes  hash    "minute|metric" -> count
-- KEYS[4] recent   list    newest first
-- KEYS[5…] the hours' hashes and the scoped boards that ARGV refers to by place
-- ARGV[1] cursor the batch was folded from
-- ARGV[2] cursor after it
-- ARGV[3] version of the fold
-- ARGV[4] oldest minute to keep
-- ARGV[5] how many acts to keep in the list
-- ARGV[6…] five lists, each its length and then its items:
--   tally    field, change
--   minutes  field, change
--   hours    place in KEYS, field, change
--   boards   place in KEYS, packed attempt, participant
--   recent   act
--
-- Returns {"ok"}, {"moved"} where the cursor is elsewhere, or {"older"} where a
-- newer fold has been here.

local cursor = redis.call('HMGET', KEYS[1], 'pos', 'version')
if (cursor[1] or '0-0') ~= ARGV[1] then
  return { 'moved' }
end
if tonumber(cursor[2] or ARGV[3]) > tonumber(ARGV[3]) then
  return { 'older' }
end

local i = 6
local function each(width, apply)
  local n = tonumber(ARGV[i])
  i = i + 1
  for _ = 1, n do
    apply(ARGV[i], ARGV[i + 1], ARGV[i + 2])
    i = i + width
  end
end

each(2, function(field, change) redis.call('HINCRBY', KEYS[2], field, change) end)
each(2, function(field, change) redis.call('HINCRBY', KEYS[3], field, change) end)
each(3, function(key, field, change) redis.call('HINCRBY', KEYS[tonumber(key)], field, change) end)
each(3, function(key, packed, id) redis.call('ZADD', KEYS[tonumber(key)], 'GT', packed, id) end)
each(1, function(act) redis.call('LPUSH', KEYS[4], act) end)
redis.call('LTRIM', KEYS[4], 0, tonumber(ARGV[5]) - 1)
if redis.call('HLEN', KEYS[3]) > 600 then
  for _, field in ipairs(redis.call('HKEYS', KEYS[3])) do
    if tonumber(string.match(field, '^%d+')) < tonumber(ARGV[4]) then
      redis.call('HDEL', KEYS[3], field)
    end
  end
end
redis.call('HSET', KEYS[1], 'pos', ARGV[2], 'version', ARGV[3])
return { 'ok' }
