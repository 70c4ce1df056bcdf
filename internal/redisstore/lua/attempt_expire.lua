#!lua
-- Close an overdue attempt in which no answer was kept: it has no result.
--
-- KEYS[1] meta         hash    epoch, clocks as clocks.lua says
-- KEYS[2] participant  hash    u g o v a<number>
-- KEYS[3] open         zset    participant by deadline
-- KEYS[4] facts        stream
-- ARGV[1] epoch
-- ARGV[2] participant id
-- ARGV[3] number of the attempt
-- ARGV[4] the expired attempt, packed
-- ARGV[5] its deadline, Unix ms
-- ARGV[6] v as the caller saw it, "" for none
-- ARGV[7] number of the clocks by which the deadline was worked out
--
-- Returns {"ok"}, also for an attempt that is closed already or in which something
-- else was kept in the meantime, {"clocks"} where the caller has not heard of what makes
-- a difference by then, or {"epoch"}.

local meta = redis.call('HMGET', KEYS[1], 'epoch', 'clocks')
if meta[1] ~= ARGV[1] then
  return { 'epoch' }
end
local p = redis.call('HMGET', KEYS[2], 'u', 'g', 'o', 'v')
if not p[3] or string.match(p[3], '^(%d+)|') ~= ARGV[3] or (p[4] or '') ~= ARGV[6] then
  return { 'ok' }
end
if meta[2] then
  local number, before, from = string.match(meta[2], '^(%d+)|(%d+)|(%d+)$')
  local known = tonumber(ARGV[7])
  if known < tonumber(before) or known < tonumber(number) and tonumber(ARGV[5]) >= tonumber(from) then
    return { 'clocks' }
  end
end
redis.call('HSET', KEYS[2], 'a' .. ARGV[3], ARGV[4])
redis.call('HDEL', KEYS[2], 'o', 'v')
redis.call('ZREM', KEYS[3], ARGV[2])
redis.call('XADD', KEYS[4], ARGV[1] .. '-*', 'k', 'expired.1', 'p', ARGV[2], 'u', p[1], 'g', p[2],
  't', ARGV[5], 'd', '{"number":' .. ARGV[3] .. (ARGV[7] == '0' and '' or ',"clocks":' .. ARGV[7]) .. '}')
return { 'ok' }
