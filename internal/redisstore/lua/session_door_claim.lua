#!lua
-- Store where a door leads unless that is known.
--
-- KEYS[1] door   hash    p (participant) s (sealed)
-- ARGV[1] participant
-- ARGV[2] sealed
--
-- Returns {"ok", p, s} as they are stored now.

local door = redis.call('HMGET', KEYS[1], 'p', 's')
if door[1] then
  return { 'ok', door[1], door[2] or '' }
end
redis.call('HSET', KEYS[1], 'p', ARGV[1], 's', ARGV[2])
return { 'ok', ARGV[1], ARGV[2] }
