#!lua
-- Hand one attempt in: store it, move the participant on the main board, append
-- one fact. A repeat changes nothing and returns what was stored.
--
-- KEYS[1] meta         hash    epoch
-- KEYS[2] participant  hash    u g l o v b d p f x a<number>, as pack.go says
-- KEYS[3] open         zset    participant by deadline
-- KEYS[4] board        zset    participant by packed place
-- KEYS[5] facts        stream
-- the rest only once the freeze has begun, or for somebody hidden:
-- KEYS[6] KEYS[7] KEYS[8]          the layers board, late and kept
-- KEYS[9] KEYS[10] KEYS[11]        the same for hidden people
-- KEYS[12] thaw        set     scopes that have late places
-- ARGV[1] epoch
-- ARGV[2] participant id
-- ARGV[3] number of the attempt
-- ARGV[4] the finished attempt, packed
-- ARGV[5] its place on a board; of sums, without its points: both below 2^53
-- ARGV[6] it as a best attempt: "score|used|at|passed|full"
-- ARGV[7] submitted at, Unix ms
-- ARGV[8] local date of the submission, packed
-- ARGV[9] phase it lies in, "" for none
-- ARGV[10] "best", "sum" or "sum_days"
-- ARGV[11] "late" in the freeze, "over" after it, "" before it or without one
-- ARGV[12] body of the fact "submitted"
-- ARGV[13] highest sum of points
--
-- Returns {outcome, a, b, l, above}; outcome is "ok", "done" for an attempt
-- that is finished already, "missing", "layers" where KEYS[6…] are needed, "range"
-- where the sum does not fit, "clock" for a day before the newest, or "epoch".
-- above counts who stands strictly above b on this shard; "" of nobody or somebody
-- hidden.

if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then
  return { 'epoch' }
end
local slot, policy, freeze = 'a' .. ARGV[3], ARGV[10], ARGV[11]
local p = redis.call('HMGET', KEYS[2], 'u', 'g', 'l', 'o', 'b', 'd', 'p', 'f', 'x', slot)
local best, hidden = p[5], p[9]

local function above()
  if not best or hidden then
    return ''
  end
  local from = '(' .. string.match(best, '^%d+')
  local n = redis.call('ZCOUNT', KEYS[4], from, '+inf')
  if freeze ~= '' then
    n = n - redis.call('ZCOUNT', KEYS[8], from, '+inf') + redis.call('ZCOUNT', KEYS[7], from, '+inf')
  end
  return tostring(n)
end

if (freeze ~= '' or hidden) and not KEYS[12] then
  return { 'layers' }
end
if p[10] then
  return { 'done', p[10], best or '', p[3], above() }
end
if not p[4] or string.match(p[4], '^(%d+)|') ~= ARGV[3] then
  return { 'missing' }
end

local SUMS = 4294967296 -- 2^32: points stand above the time of a sum
local score, used = string.match(ARGV[6], '^(%d+)|(%w+)|')
score = tonumber(score)
local main, attempt, before = nil, ARGV[6], ''
if best then
  local place, rest, s, u, passed, full = string.match(best, '^(%d+)|((%d+)|(%w+)|%w+|(%d)|(%d))$')
  main, before = tonumber(place), s .. '|' .. passed .. '|' .. full
  local better = score > tonumber(s)
  if policy == 'best' then
    better = tonumber(ARGV[5]) > main
  elseif score == tonumber(s) then
    better = math.floor(tonumber(used, 36) / 100) < math.floor(tonumber(u, 36) / 100)
  end
  if not better then
    attempt = rest
  end
end

local function window(packed)
  if not packed then
    return nil, nil
  end
  local name, place = string.match(packed, '^([^|]*)|(%d*)$')
  return name, tonumber(place) or main
end
local day, day_place = window(p[6])
local phase, phase_place = window(p[7])

local added = score
if policy == 'sum_days' then
  if day == ARGV[8] then
    added = math.max(0, score - math.floor(day_place / SUMS))
  elseif day and day > ARGV[8] then
    return { 'clock' }
  end
end
local function raise(place)
  if policy == 'best' then
    return math.max(place or 0, tonumber(ARGV[5]))
  elseif place and added == 0 then
    return place
  end
  return (math.floor((place or 0) / SUMS) + added) * SUMS + tonumber(ARGV[5])
end
local now = raise(main)
if policy ~= 'best' and math.floor(now / SUMS) > tonumber(ARGV[13]) then
  return { 'range' }
end
if not day or day <= ARGV[8] then
  day, day_place = ARGV[8], raise(day == ARGV[8] and day_place or nil)
end
if ARGV[9] ~= '' then
  phase, phase_place = ARGV[9], raise(phase == ARGV[9] and phase_place or nil)
end

local function text(place)
  return string.format('%.0f', place)
end
local function pack(name, place)
  return name .. '|' .. (place == now and '' or text(place))
end
if main ~= now then
  local board, late, kept = KEYS[4], KEYS[7], KEYS[8]
  if hidden then
    board, late, kept = KEYS[9], KEYS[10], KEYS[11]
  end
  if freeze == 'late' or freeze == 'over' and redis.call('ZSCORE', late, ARGV[2]) then
    local base = redis.call('ZSCORE', board, ARGV[2])
    redis.call('ZADD', late, text(now), ARGV[2])
    redis.call('SADD', KEYS[12], '')
    if base then
      redis.call('ZADD', kept, base, ARGV[2])
    end
  else
    redis.call('ZADD', board, text(now), ARGV[2])
  end
end
best = text(now) .. '|' .. attempt
redis.call('HSET', KEYS[2], slot, ARGV[4], 'b', best, 'd', pack(day, day_place), 'f', '1')
if phase then
  redis.call('HSET', KEYS[2], 'p', pack(phase, phase_place))
end
redis.call('HDEL', KEYS[2], 'o', 'v')
redis.call('ZREM', KEYS[3], ARGV[2])
local fact = { 'k', 'submitted.1', 'p', ARGV[2], 'u', p[1], 'g', p[2],
  't', ARGV[7], 'f', p[8] and '' or '1', 'b', before, 'd', ARGV[12] }
if policy ~= 'best' then
  table.insert(fact, 'a')
  table.insert(fact, added .. '|' .. text(math.floor(now / SUMS)))
end
if hidden then
  table.insert(fact, 'x')
  table.insert(fact, '1')
end
redis.call('XADD', KEYS[5], ARGV[1] .. '-*', unpack(fact))
return { 'ok', ARGV[4], best, p[3], above() }
