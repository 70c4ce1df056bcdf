#!lua
-- Close an overdue attempt in which no answer was kept: it has no result.
--
-- KEYS[1] meta         hash    epoch
-- KEYS[2] participant  hash    u g o v a<number>
-- KEYS[3] open         zset    participant by deadline
-- KEYS[4] facts        stream
-- ARGV[1] epoch
-- ARGV[2] participant id
-- ARGV[3] number of the attempt
-- ARGV[4] the expired attempt, packed
-- ARGV[5] its deadline, Unix ms
-- ARGV[6] v as the caller saw it, "" for none
--
-- Returns {"ok"}, also for an attempt that is closed already or in which something
-- else was kept in the meantime, or {"epoch"}.

if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then
  return { 'epoch' }
end
local p = redis.call('HMGET', KEYS[2], 'u', 'g', 'o', 'v')
if not p[3] or string.match(p[3], '^(%d+)|') ~= ARGV[3] or (p[4] or '') ~= ARGV[6] then
  return { 'ok' }
end
redis.call('HSET', KEYS[2], 'a' .. ARGV[3], ARGV[4])
redis.call('HDEL', KEYS[2], 'o', 'v')
redis.call('ZREM', KEYS[3], ARGV[2])
redis.call('XADD', KEYS[4], ARGV[1] .. '-*', 'k', 'expired.1', 'p', ARGV[2], 'u', p[1], 'g', p[2],
  't', ARGV[5], 'd', '{"number":' .. ARGV[3] .. '}')
return { 'ok' }
