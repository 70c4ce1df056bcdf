#!lua
-- Hand one attempt in: store it, move the participant on the main board, append
-- one fact. A repeat changes nothing and returns what was stored.
--
-- KEYS[1] meta         hash    epoch
-- KEYS[2] participant  hash    u g l o v b d f a<number>
-- KEYS[3] open         zset    participant by deadline
-- KEYS[4] board        zset    participant by packed best attempt
-- KEYS[5] facts        stream
-- ARGV[1] epoch
-- ARGV[2] participant id
-- ARGV[3] number of the attempt
-- ARGV[4] the finished attempt, packed
-- ARGV[5] its place on a board, a whole number below 2^53
-- ARGV[6] it as a best attempt: "place|score|used ms|at|passed|full"
-- ARGV[7] submitted at, Unix ms
-- ARGV[8] local date of the submission
-- ARGV[9] body of the fact "submitted"
--
-- Returns {outcome, a, b, l, above}; outcome is "ok", "done" for an attempt
-- that is finished already, "missing" or "epoch". above counts who stands
-- strictly above b on this shard.

if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then
  return { 'epoch' }
end
local slot = 'a' .. ARGV[3]
local p = redis.call('HMGET', KEYS[2], 'u', 'g', 'l', 'o', 'b', 'd', 'f', slot)
local best = p[5]

local function above()
  if not best then
    return '0'
  end
  return tostring(redis.call('ZCOUNT', KEYS[4], '(' .. string.match(best, '^(%d+)|'), '+inf'))
end

if p[8] then
  return { 'done', p[8], best or '', p[3], above() }
end
if not p[4] or string.match(p[4], '^(%d+)|') ~= ARGV[3] then
  return { 'missing' }
end

local before, first = '', '1'
if best then
  local score, passed, full = string.match(best, '^%d+|(%d+)|%d+|%d+|(%d)|(%d)$')
  before = score .. '|' .. passed .. '|' .. full
end
if p[7] then
  first = ''
end
local place = tonumber(ARGV[5])
local day, day_place = string.match(p[6] or '|0', '^([^|]*)|(%d+)$')
if day ~= ARGV[8] or place > tonumber(day_place) then
  redis.call('HSET', KEYS[2], 'd', ARGV[8] .. '|' .. ARGV[5])
end
if not best or place > tonumber(string.match(best, '^(%d+)|')) then
  best = ARGV[6]
  redis.call('ZADD', KEYS[4], ARGV[5], ARGV[2])
end
redis.call('HSET', KEYS[2], slot, ARGV[4], 'b', best, 'f', p[7] or ARGV[7])
redis.call('HDEL', KEYS[2], 'o', 'v')
redis.call('ZREM', KEYS[3], ARGV[2])
redis.call('XADD', KEYS[5], ARGV[1] .. '-*', 'k', 'submitted.1', 'p', ARGV[2], 'u', p[1], 'g', p[2],
  't', ARGV[7], 'f', first, 'b', before, 'd', ARGV[9])
return { 'ok', ARGV[4], best, p[3], above() }
