#!lua
-- Tell every instance that a family has ended, and forget those whose access
-- tokens have all run out.
--
-- KEYS[1] revoked  zset    family -> Unix ms until which it must be known
-- ARGV[1] family
-- ARGV[2] its time
-- ARGV[3] now, Unix ms
--
-- Returns {"ok"}.

redis.call('ZADD', KEYS[1], 'GT', ARGV[2], ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. ARGV[3])
return { 'ok' }
