#!lua
-- Forget what WeChat told about whoever comes by a door, and order the same of
-- the ledger. Where the door leads stays, or the person would be counted twice.
--
-- KEYS[1] meta      hash    epoch
-- KEYS[2] door      hash    p s
-- KEYS[3] personal  stream
-- ARGV[1] epoch
-- ARGV[2] participant it leads to
-- ARGV[3] hash of the door
-- ARGV[4] now, Unix ms
--
-- Returns {"ok"}, {"done"} where nothing is sealed, {"none"} for a door that leads
-- elsewhere, or {"epoch"}.

if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then
  return { 'epoch' }
end
local door = redis.call('HMGET', KEYS[2], 'p', 's')
if door[1] ~= ARGV[2] then
  return { 'none' }
end
if not door[2] or door[2] == '' then
  return { 'done' }
end
redis.call('HSET', KEYS[2], 's', '')
redis.call('XADD', KEYS[3], ARGV[1] .. '-*', 'k', 'erasure.1', 'p', ARGV[2], 't', ARGV[4], 'h', ARGV[3])
return { 'ok' }
