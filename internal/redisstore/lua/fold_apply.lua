#!lua
-- Apply a batch of folded facts and move the cursor, or do neither.
--
-- KEYS[1] meta     hash    epoch
-- KEYS[2] fold     hash    pos version
-- KEYS[3] tally    hash    "unit|metric" -> count
-- KEYS[4] minutes  hash    "minute|metric" -> count
-- KEYS[5] recent   list    newest first
-- KEYS[6…] the hours' hashes and the scoped boards that ARGV refers to by place
-- ARGV[1] epoch
-- ARGV[2] cursor the batch was folded from
-- ARGV[3] cursor after it
-- ARGV[4] version of the fold
-- ARGV[5] oldest minute to keep
-- ARGV[6] how many acts to keep in the list
-- ARGV[7…] five lists, each its length and then its items:
--   tally    field, change
--   minutes  field, change
--   hours    place in KEYS, field, change
--   boards   place in KEYS, packed attempt, participant
--   recent   act
--
-- Returns {"ok"}, {"moved"} where the cursor is elsewhere, {"older"} where a newer
-- fold has been here, or {"epoch"}.

if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then
  return { 'epoch' }
end
local cursor = redis.call('HMGET', KEYS[2], 'pos', 'version')
if (cursor[1] or '0-0') ~= ARGV[2] then
  return { 'moved' }
end
if tonumber(cursor[2] or ARGV[4]) > tonumber(ARGV[4]) then
  return { 'older' }
end

local i = 7
local function each(width, apply)
  local n = tonumber(ARGV[i])
  i = i + 1
  for _ = 1, n do
    apply(ARGV[i], ARGV[i + 1], ARGV[i + 2])
    i = i + width
  end
end

each(2, function(field, change) redis.call('HINCRBY', KEYS[3], field, change) end)
each(2, function(field, change) redis.call('HINCRBY', KEYS[4], field, change) end)
each(3, function(key, field, change) redis.call('HINCRBY', KEYS[tonumber(key)], field, change) end)
each(3, function(key, packed, id) redis.call('ZADD', KEYS[tonumber(key)], 'GT', packed, id) end)
each(1, function(act) redis.call('LPUSH', KEYS[5], act) end)
redis.call('LTRIM', KEYS[5], 0, tonumber(ARGV[6]) - 1)
if redis.call('HLEN', KEYS[4]) > 600 then
  for _, field in ipairs(redis.call('HKEYS', KEYS[4])) do
    if tonumber(string.match(field, '^%d+')) < tonumber(ARGV[5]) then
      redis.call('HDEL', KEYS[4], field)
    end
  end
end
redis.call('HSET', KEYS[2], 'pos', ARGV[3], 'version', ARGV[4])
return { 'ok' }
