#!lua
-- Open a campaign whose shards were refilled, in its new epoch.
--
-- KEYS[1] campaign  hash    shards epoch base bits state by
-- ARGV[1] token of the rebuild
-- ARGV[2] epoch
--
-- Returns {"ok"}, also to a repeat, or {"taken"} where another rebuild has taken
-- over.

if redis.call('HGET', KEYS[1], 'by') ~= ARGV[1] then
  return { 'taken' }
end
redis.call('HSET', KEYS[1], 'epoch', ARGV[2], 'state', 'open')
return { 'ok' }
