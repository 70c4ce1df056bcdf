#!lua
-- Apply a batch of folded facts and move the cursor, or do neither.
--
-- KEYS[1] meta         hash    epoch
-- KEYS[2] fold         hash    pos version
-- KEYS[3] tally        hash    "unit|metric" -> count
-- KEYS[4] tally-late   hash    the same of what came since the freeze
-- KEYS[5] scores       hash    points on the main board -> count
-- KEYS[6] scores-late  hash    the same of what came since the freeze
-- KEYS[7] minutes      hash    "minute|metric" -> count
-- KEYS[8] recent       list    newest first
-- KEYS[9] thaw         set     scopes that have late places
-- KEYS[10…] the hours' hashes and the boards' layers that ARGV refers to by place;
--   those of one board follow each other: board, late, kept, and where needed the
--   same for hidden people
-- ARGV[1] epoch
-- ARGV[2] cursor the batch was folded from
-- ARGV[3] cursor after it
-- ARGV[4] version of the fold
-- ARGV[5] oldest minute to keep
-- ARGV[6] how many acts to keep in the list
-- ARGV[7…] eight lists, each its length and then its items:
--   tally, tally-late, scores, scores-late, minutes    field, change
--   hours    place in KEYS, field, change
--   boards   place in KEYS, what to do, participant, place, place by everything, scope
--            "raise" and "add" on a board alone, "raise late", "add late" in the
--            freeze and "raise since", "add since" where there may be one; "set"
--            and "set hidden" have places of "" for none
--   recent   act
--
-- Returns {"ok"}, {"moved"} where the cursor is elsewhere, {"older"} where a newer
-- fold has been here, {"newer"} where an older one has, or {"epoch"}.

if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then
  return { 'epoch' }
end
local cursor = redis.call('HMGET', KEYS[2], 'pos', 'version')
if (cursor[1] or '0-0') ~= ARGV[2] then
  return { 'moved' }
end
local version = tonumber(cursor[2] or ARGV[4])
if version ~= tonumber(ARGV[4]) then
  return { version > tonumber(ARGV[4]) and 'older' or 'newer' }
end

local i = 7
local function each(width, apply)
  local n = tonumber(ARGV[i])
  i = i + 1
  for _ = 1, n do
    apply(ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4], ARGV[i + 5])
    i = i + width
  end
end
local function count(key)
  each(2, function(field, change) redis.call('HINCRBY', KEYS[key], field, change) end)
end
local function count_people(key)
  each(2, function(field, change)
    if redis.call('HINCRBY', KEYS[key], field, change) == 0 then
      redis.call('HDEL', KEYS[key], field)
    end
  end)
end

local SUMS = 4294967296 -- 2^32: points stand above the time of a sum
local function added(old, place)
  local points = math.floor(tonumber(place) / SUMS)
  if not old then
    return place
  elseif points == 0 then
    return old
  end
  return string.format('%.0f', math.floor(tonumber(old) / SUMS) * SUMS + tonumber(place))
end
local function raised(old, place)
  return old and tonumber(old) >= tonumber(place) and old or place
end

-- move puts somebody where change says, beside the board in the freeze and as long
-- as they stand there.
local function move(change, key, id, place, late, scope)
  local beside = redis.call('ZSCORE', KEYS[key + 1], id)
  local base = redis.call('ZSCORE', KEYS[key], id)
  local old = beside or base
  local new = change(old, place)
  if new == old then
    return
  end
  if not (late or beside) then
    redis.call('ZADD', KEYS[key], new, id)
    return
  end
  redis.call('ZADD', KEYS[key + 1], new, id)
  redis.call('SADD', KEYS[9], scope)
  if base then
    redis.call('ZADD', KEYS[key + 2], base, id)
  end
end

-- set puts somebody where they are said to stand, and nowhere else.
local function set(key, id, base, now, hidden, scope)
  for k = key, key + 5 do
    redis.call('ZREM', KEYS[k], id)
  end
  local first = hidden and key + 3 or key
  if base ~= '' then
    redis.call('ZADD', KEYS[first], base, id)
  end
  if now ~= '' then
    redis.call('ZADD', KEYS[first + 1], now, id)
    redis.call('SADD', KEYS[9], scope)
    if base ~= '' then
      redis.call('ZADD', KEYS[first + 2], base, id)
    end
  end
end

local moves = {
  ['raise'] = function(key, id, place) redis.call('ZADD', KEYS[key], 'GT', place, id) end,
  ['add'] = function(key, id, place)
    local old = redis.call('ZSCORE', KEYS[key], id)
    local new = added(old, place)
    if new ~= old then
      redis.call('ZADD', KEYS[key], new, id)
    end
  end,
  ['raise late'] = function(key, id, place, _, scope) move(raised, key, id, place, true, scope) end,
  ['add late'] = function(key, id, place, _, scope) move(added, key, id, place, true, scope) end,
  ['raise since'] = function(key, id, place, _, scope) move(raised, key, id, place, false, scope) end,
  ['add since'] = function(key, id, place, _, scope) move(added, key, id, place, false, scope) end,
  ['set'] = function(key, id, base, now, scope) set(key, id, base, now, false, scope) end,
  ['set hidden'] = function(key, id, base, now, scope) set(key, id, base, now, true, scope) end,
}

count(3)
count(4)
count_people(5)
count_people(6)
count(7)
each(3, function(key, field, change) redis.call('HINCRBY', KEYS[tonumber(key)], field, change) end)
each(6, function(key, what, id, place, now, scope) moves[what](tonumber(key), id, place, now, scope) end)
each(1, function(act) redis.call('LPUSH', KEYS[8], act) end)
redis.call('LTRIM', KEYS[8], 0, tonumber(ARGV[6]) - 1)
if redis.call('HLEN', KEYS[7]) > 600 then
  for _, field in ipairs(redis.call('HKEYS', KEYS[7])) do
    if tonumber(string.match(field, '^%d+')) < tonumber(ARGV[5]) then
      redis.call('HDEL', KEYS[7], field)
    end
  end
end
redis.call('HSET', KEYS[2], 'pos', ARGV[3], 'version', ARGV[4])
return { 'ok' }
