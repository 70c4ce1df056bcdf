#!lua
-- Remember the unit whose roster a participant came by.
--
-- KEYS[1] meta   hash    epoch
-- KEYS[2] bound  hash    participant: unit
-- ARGV[1] epoch
-- ARGV[2] participant id
-- ARGV[3] unit
--
-- Returns {"ok"} or {"epoch"}.

if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then
  return { 'epoch' }
end
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
return { 'ok' }
