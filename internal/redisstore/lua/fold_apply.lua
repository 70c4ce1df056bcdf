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
-- ARGV[7…] five counts, of tally, tally-late, scores, scores-late and minutes: how
--   many fields, each field once, and then by how much each changes
-- then how many hours, and for each its place in KEYS and a count as above
-- then how many lists of places, and for each: place in KEYS, what to do, scope, how
--   many, and that often place and participant:
--   "raise" and "add" on a board alone, "raise late", "add late" in the freeze and
--   "raise since", "add since" where there may be one. For "set" and "set hidden" it
--   is place, place by everything and participant, places being "" for none and the
--   second "-" for who has left the board since the freeze.
-- then how many acts, and the acts
--
-- A command in a script costs more than what it does, so each takes many fields or
-- places at once.
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

local AT_ONCE = 1000 -- even; Lua hands no more than some thousand values over
local i = 7
local function take()
  i = i + 1
  return ARGV[i - 1]
end

-- in_parts calls do_part with the ends of stretches of a list that are short enough.
local function in_parts(from, to, do_part)
  while from <= to do
    local last = math.min(from + AT_ONCE - 1, to)
    do_part(from, last)
    from = last + 1
  end
end

-- count changes the fields of a hash. Those of people that come to nothing go.
local function count(key, of_people)
  local n = tonumber(take())
  in_parts(i, i + n - 1, function(from, to)
    local old, set, gone = redis.call('HMGET', key, unpack(ARGV, from, to)), {}, {}
    for k = from, to do
      local now = (old[k - from + 1] or 0) + ARGV[k + n]
      if of_people and now == 0 then
        gone[#gone + 1] = ARGV[k]
      else
        set[#set + 1] = ARGV[k]
        set[#set + 1] = string.format('%.0f', now)
      end
    end
    if #set > 0 then
      redis.call('HSET', key, unpack(set))
    end
    if #gone > 0 then
      redis.call('HDEL', key, unpack(gone))
    end
  end)
  i = i + 2 * n
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

-- write puts what was collected, places and participants, onto a layer.
local function write(key, list)
  in_parts(1, #list, function(from, to) redis.call('ZADD', KEYS[key], unpack(list, from, to)) end)
end

-- move puts people where change says: onto the board, and in the freeze, or as long
-- as they stand there, beside it. Nobody is looked up twice for one look, so a stretch
-- ends before whoever is named again. "alone" says that nobody stands beside the board.
local function move(change, key, when, scope, from, to)
  while from < to do
    local ids, seen, n, at = {}, {}, 0, from
    while at < to and n < AT_ONCE and not seen[ARGV[at + 1]] do
      n = n + 1
      ids[n] = ARGV[at + 1]
      seen[ids[n]] = true
      at = at + 2
    end
    local base = redis.call('ZMSCORE', KEYS[key], unpack(ids))
    local beside = when == 'alone' and {} or redis.call('ZMSCORE', KEYS[key + 1], unpack(ids))
    local on, off, kept = {}, {}, {}
    for k = 1, n do
      local old = beside[k] or base[k]
      local new = change(old, ARGV[from + 2 * k - 2])
      if new ~= old then
        local list = (when == 'late' or beside[k]) and off or on
        list[#list + 1] = new
        list[#list + 1] = ids[k]
        if list == off and base[k] then
          kept[#kept + 1] = base[k]
          kept[#kept + 1] = ids[k]
        end
      end
    end
    write(key, on)
    write(key + 1, off)
    write(key + 2, kept)
    if #off > 0 then
      redis.call('SADD', KEYS[9], scope)
    end
    from = at
  end
end

local function raise(key, _, from, to)
  in_parts(from, to, function(first, last) redis.call('ZADD', KEYS[key], 'GT', unpack(ARGV, first, last)) end)
end

local function somebody_beside(key) return redis.call('EXISTS', KEYS[key + 1]) == 1 end

-- set puts people where they are said to stand, and nowhere else.
local function set(hidden, key, scope, from, to)
  local first = hidden and key + 3 or key
  for k = from, to, 3 do
    local base, now, id = ARGV[k], ARGV[k + 1], ARGV[k + 2]
    for layer = key, key + 5 do
      redis.call('ZREM', KEYS[layer], id)
    end
    if base ~= '' then
      redis.call('ZADD', KEYS[first], base, id)
    end
    if now ~= '' then
      if now ~= '-' then
        redis.call('ZADD', KEYS[first + 1], now, id)
      end
      redis.call('SADD', KEYS[9], scope)
      if base ~= '' then
        redis.call('ZADD', KEYS[first + 2], base, id)
      end
    end
  end
end

local moves = {
  ['raise'] = raise,
  ['add'] = function(key, ...) move(added, key, 'alone', ...) end,
  ['raise late'] = function(key, ...) move(raised, key, 'late', ...) end,
  ['add late'] = function(key, ...) move(added, key, 'late', ...) end,
  ['raise since'] = function(key, ...)
    if somebody_beside(key) then
      move(raised, key, 'since', ...)
    else
      raise(key, ...)
    end
  end,
  ['add since'] = function(key, ...) move(added, key, somebody_beside(key) and 'since' or 'alone', ...) end,
  ['set'] = function(...) set(false, ...) end,
  ['set hidden'] = function(...) set(true, ...) end,
}

count(KEYS[3])
count(KEYS[4])
count(KEYS[5], true)
count(KEYS[6], true)
count(KEYS[7])
for _ = 1, tonumber(take()) do
  count(KEYS[tonumber(take())])
end
for _ = 1, tonumber(take()) do
  local key, what, scope, n = tonumber(take()), take(), take(), tonumber(take())
  local from = i
  i = i + n * (what:sub(1, 3) == 'set' and 3 or 2)
  moves[what](key, scope, from, i - 1)
end
local acts = tonumber(take())
if acts > 0 then
  redis.call('LPUSH', KEYS[8], unpack(ARGV, i, i + acts - 1))
  redis.call('LTRIM', KEYS[8], 0, tonumber(ARGV[6]) - 1)
end
if redis.call('HLEN', KEYS[7]) > 600 then
  for _, field in ipairs(redis.call('HKEYS', KEYS[7])) do
    if tonumber(string.match(field, '^%d+')) < tonumber(ARGV[5]) then
      redis.call('HDEL', KEYS[7], field)
    end
  end
end
redis.call('HSET', KEYS[2], 'pos', ARGV[3], 'version', ARGV[4])
return { 'ok' }
