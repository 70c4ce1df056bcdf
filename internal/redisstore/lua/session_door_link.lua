#!lua
-- Move a door to another participant, if it still leads where the caller
-- thinks. A repeat finds it moved already and changes nothing.
--
-- KEYS[1] door   hash    p s
-- ARGV[1] participant it led to
-- ARGV[2] participant it shall lead to
-- ARGV[3] sealed
--
-- Returns {"ok", p, s} as they are stored now.

local door = redis.call('HMGET', KEYS[1], 'p', 's')
if door[1] and door[1] ~= ARGV[1] and door[1] ~= ARGV[2] then
  return { 'ok', door[1], door[2] or '' }
end
redis.call('HSET', KEYS[1], 'p', ARGV[2], 's', ARGV[3])
return { 'ok', ARGV[2], ARGV[3] }
