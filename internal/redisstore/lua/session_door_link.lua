#!lua
-- Move a door to another participant, if it still leads where the caller thinks,
-- or seal anew what is known of it. A repeat finds that done and changes nothing.
--
-- KEYS[1] meta      hash    epoch
-- KEYS[2] door      hash    p s
-- KEYS[3] facts     stream
-- KEYS[4] personal  stream
-- ARGV[1] epoch
-- ARGV[2] participant it shall lead to
-- ARGV[3] sealed, "" to keep what is there
-- ARGV[4] now, Unix ms
-- ARGV[5] hash of the door
-- ARGV[6] body of the fact "door"
-- ARGV[7] participant it led to
--
-- Returns {"ok", p, s} as they are stored now, or {"epoch"}.

if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then
  return { 'epoch' }
end
local door = redis.call('HMGET', KEYS[2], 'p', 's')
local leads, kept = door[1], door[2] or ''
local sealed = ARGV[3] ~= '' and ARGV[3] or kept
if leads and leads ~= ARGV[7] and leads ~= ARGV[2] or leads == ARGV[2] and sealed == kept then
  return { 'ok', leads, kept }
end
redis.call('HSET', KEYS[2], 'p', ARGV[2], 's', sealed)
if leads ~= ARGV[2] then
  redis.call('XADD', KEYS[3], ARGV[1] .. '-*', 'k', 'door.1', 'p', ARGV[2], 't', ARGV[4], 'd', ARGV[6])
end
if sealed ~= '' then
  redis.call('XADD', KEYS[4], ARGV[1] .. '-*', 'k', 'door.1', 'p', ARGV[2], 't', ARGV[4], 'h', ARGV[5], 'd', sealed)
end
return { 'ok', ARGV[2], sealed }
