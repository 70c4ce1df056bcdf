#!lua flags=no-writes
-- Tell somebody's place on the main board, and who stands above it on this shard.
--
-- KEYS[1] meta         hash    epoch
-- KEYS[2] participant  hash    b x
-- KEYS[3] board        zset    participant by packed place
-- where there may be late places:
-- KEYS[4] KEYS[5]      the layers late and kept
-- ARGV[1] epoch
--
-- Returns {"ok", place, above}, {"none"} for who has no place in public, or
-- {"epoch"}.

if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then
  return { 'epoch' }
end
local p = redis.call('HMGET', KEYS[2], 'b', 'x')
if not p[1] or p[2] then
  return { 'none' }
end
local place = string.match(p[1], '^%d+')
local n = redis.call('ZCOUNT', KEYS[3], '(' .. place, '+inf')
if KEYS[4] then
  n = n + redis.call('ZCOUNT', KEYS[4], '(' .. place, '+inf') - redis.call('ZCOUNT', KEYS[5], '(' .. place, '+inf')
end
return { 'ok', place, tostring(n) }
