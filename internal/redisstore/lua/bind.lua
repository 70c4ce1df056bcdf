#!lua
-- Remember the unit whose roster a participant came by.
--
-- KEYS[1] meta   hash    epoch
-- KEYS[2] bound  hash    participant: unit
-- ARGV[1] epoch
-- ARGV[2] participant id
-- ARGV[3] unit
-- ARGV[4] and on  where given, only who came by one of these is bound anew
--
-- Returns {"ok"}, {"other"} or {"epoch"}.

if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then
  return { 'epoch' }
end
local bound = ARGV[4] and redis.call('HGET', KEYS[2], ARGV[2])
local meant = not ARGV[4]
for i = 4, #ARGV do
  meant = meant or bound == ARGV[i]
end
if not meant then
  return { 'other' }
end
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
return { 'ok' }
