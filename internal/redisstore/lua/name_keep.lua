#!lua
-- Keep what a short name stands for. The first digest of a name stays.
--
-- KEYS[1] campaign  hash    epoch
-- KEYS[2] names     hash    short -> full
-- ARGV[1] epoch
-- ARGV[2] short name
-- ARGV[3] digest
--
-- Returns {"ok", the digest that is kept} or {"epoch"}.

if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then
  return { 'epoch' }
end
redis.call('HSETNX', KEYS[2], ARGV[2], ARGV[3])
return { 'ok', redis.call('HGET', KEYS[2], ARGV[2]) }
