#!lua
-- Begin a turn at a batch of corrections: whoever still works on an earlier one is
-- barred from then on.
--
-- KEYS[1] meta  hash  epoch, and whose turn it is at a batch
-- ARGV[1] epoch
-- ARGV[2] field of meta that holds the turn
-- ARGV[3] the turn
--
-- Returns {"ok"}, also for a repeat, {"past"} where a later one has begun, or
-- {"epoch"}.

local held = redis.call('HMGET', KEYS[1], 'epoch', ARGV[2])
if held[1] ~= ARGV[1] then
  return { 'epoch' }
end
if tonumber(held[2] or 0) > tonumber(ARGV[3]) then
  return { 'past' }
end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
return { 'ok' }
