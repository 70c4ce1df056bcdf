#!lua
-- Open a shard that was refilled, in its new epoch.
--
-- KEYS[1] meta  hash    epoch by
-- KEYS[2] kept  hash    answers that were set aside
-- ARGV[1] token of the rebuild
-- ARGV[2] epoch
--
-- Returns {"ok"}, also to a repeat, or {"taken"} where another rebuild has taken
-- over.

if redis.call('HGET', KEYS[1], 'by') ~= ARGV[1] then
  return { 'taken' }
end
redis.call('HSET', KEYS[1], 'epoch', ARGV[2])
redis.call('UNLINK', KEYS[2])
return { 'ok' }
