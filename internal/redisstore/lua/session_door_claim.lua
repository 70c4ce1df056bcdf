#!lua
-- Store where a door leads unless that is known.
--
-- KEYS[1] meta      hash    epoch
-- KEYS[2] door      hash    p (participant) s (sealed)
-- KEYS[3] facts     stream
-- KEYS[4] personal  stream
-- ARGV[1] epoch
-- ARGV[2] participant
-- ARGV[3] sealed, "" for nothing
-- ARGV[4] now, Unix ms
-- ARGV[5] hash of the door
-- ARGV[6] body of the fact "door"
--
-- Returns {"ok", p, s} as they are stored now, or {"epoch"}.

if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then
  return { 'epoch' }
end
local door = redis.call('HMGET', KEYS[2], 'p', 's')
if door[1] then
  return { 'ok', door[1], door[2] or '' }
end
redis.call('HSET', KEYS[2], 'p', ARGV[2], 's', ARGV[3])
redis.call('XADD', KEYS[3], ARGV[1] .. '-*', 'k', 'door.1', 'p', ARGV[2], 't', ARGV[4], 'd', ARGV[6])
if ARGV[3] ~= '' then
  redis.call('XADD', KEYS[4], ARGV[1] .. '-*', 'k', 'door.1', 'p', ARGV[2], 't', ARGV[4], 'h', ARGV[5], 'd', ARGV[3])
end
return { 'ok', ARGV[2], ARGV[3] }
