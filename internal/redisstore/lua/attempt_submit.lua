#!lua
-- Hand one attempt in: store it, move the participant on the main board, append
-- one fact. A repeat changes nothing and returns what was stored.
--
-- KEYS[1] meta         hash    epoch, clocks as clocks.lua says
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
-- ARGV[14] the open attempt that was marked: its "o" in the participant's hash
-- ARGV[15] number of the clocks by which ARGV[7] and the time used were worked out
--
-- Returns {outcome, a, b, l, above}; outcome is "ok", where a is ARGV[4] and returned
-- as "", "done" for an attempt that is finished already, "missing" where ARGV[14] is not what is open, "layers" where KEYS[6…] are needed, "range"
-- where the sum does not fit, "clock" for a day before the newest, "clocks" where the caller
-- has not heard of what makes a difference by then, or "epoch".
-- above counts who stands strictly above b on this shard; "" of nobody or somebody
-- hidden.

local meta = redis.call('HMGET', KEYS[1], 'epoch', 'clocks')
if meta[1] ~= ARGV[1] then
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
if p[4] ~= ARGV[14] then
  return { 'missing' }
end
if meta[2] then
  local number, before, from = string.match(meta[2], '^(%d+)|(%d+)|(%d+)$')
  local known = tonumber(ARGV[15])
  if known < tonumber(before) or known < tonumber(number) and tonumber(ARGV[7]) >= tonumber(from) then
    return { 'clocks' }
  end
end

local main, main_place, before, attempt = nil, nil, '', ARGV[6]
if best then
  local rest, score, used, passed, full
  main, rest, score, used, passed, full = string.match(best, '^(%d+)|((%d+)|(%w+)|%w+|(%d)|(%d))$')
  main_place, before = tonumber(main), score .. '|' .. passed .. '|' .. full
  local better
  if policy == 'best' then
    better = tonumber(ARGV[5]) > main_place
  else
    local this, in_time = string.match(ARGV[6], '^(%d+)|(%w+)|')
    better = tonumber(this) > tonumber(score) or this == score
      and math.floor(tonumber(in_time, 36) / 100) < math.floor(tonumber(used, 36) / 100)
  end
  if not better then
    attempt = rest
  end
end
local day, day_place, phase, phase_place
if p[6] then
  day, day_place = string.match(p[6], '^([^|]*)|(%d*)$')
  day_place = day_place == '' and main or day_place
end
if p[7] then
  phase, phase_place = string.match(p[7], '^([^|]*)|(%d*)$')
  phase_place = phase_place == '' and main or phase_place
end

-- raise returns the place, as text, that old becomes.
local raise, sum = nil, nil
if policy == 'best' then
  local this = tonumber(ARGV[5])
  raise = function(old)
    return old and tonumber(old) >= this and old or ARGV[5]
  end
else
  local SUMS = 4294967296 -- 2^32: points stand above the time of a sum
  local added = tonumber(string.match(ARGV[6], '^%d+'))
  if policy == 'sum_days' then
    if day == ARGV[8] then
      added = math.max(0, added - math.floor(tonumber(day_place) / SUMS))
    elseif day and day > ARGV[8] then
      return { 'clock' }
    end
  end
  raise = function(old)
    if old and added == 0 then
      return old
    end
    return string.format('%.0f', (math.floor(tonumber(old or 0) / SUMS) + added) * SUMS + tonumber(ARGV[5]))
  end
  local total = added + math.floor((main_place or 0) / SUMS)
  if total > tonumber(ARGV[13]) then
    return { 'range' }
  end
  sum = added .. '|' .. total
end
local now = raise(main)
if not day or day <= ARGV[8] then
  day, day_place = ARGV[8], raise(day == ARGV[8] and day_place)
end
if ARGV[9] ~= '' then
  phase, phase_place = ARGV[9], raise(phase == ARGV[9] and phase_place)
end

if main ~= now then
  local board, late, kept = KEYS[4], KEYS[7], KEYS[8]
  if hidden then
    board, late, kept = KEYS[9], KEYS[10], KEYS[11]
  end
  if freeze == 'late' or freeze == 'over' and redis.call('ZSCORE', late, ARGV[2]) then
    local base = redis.call('ZSCORE', board, ARGV[2])
    redis.call('ZADD', late, now, ARGV[2])
    redis.call('SADD', KEYS[12], '')
    if base then
      redis.call('ZADD', kept, base, ARGV[2])
    end
  else
    redis.call('ZADD', board, now, ARGV[2])
  end
end
best = now .. '|' .. attempt
day_place = day .. '|' .. (day_place == now and '' or day_place)
if phase then
  redis.call('HSET', KEYS[2], slot, ARGV[4], 'b', best, 'd', day_place, 'f', '1',
    'p', phase .. '|' .. (phase_place == now and '' or phase_place))
else
  redis.call('HSET', KEYS[2], slot, ARGV[4], 'b', best, 'd', day_place, 'f', '1')
end
redis.call('HDEL', KEYS[2], 'o', 'v')
redis.call('ZREM', KEYS[3], ARGV[2])
if sum or hidden then
  local fact = { 'k', 'submitted.1', 'p', ARGV[2], 'u', p[1], 'g', p[2],
    't', ARGV[7], 'f', p[8] and '' or '1', 'b', before, 'd', ARGV[12] }
  if sum then
    fact[#fact + 1], fact[#fact + 2] = 'a', sum
  end
  if hidden then
    fact[#fact + 1], fact[#fact + 2] = 'x', '1'
  end
  redis.call('XADD', KEYS[5], ARGV[1] .. '-*', unpack(fact))
else
  redis.call('XADD', KEYS[5], ARGV[1] .. '-*', 'k', 'submitted.1', 'p', ARGV[2], 'u', p[1], 'g', p[2],
    't', ARGV[7], 'f', p[8] and '' or '1', 'b', before, 'd', ARGV[12])
end
return { 'ok', '', best, p[3], above() }
