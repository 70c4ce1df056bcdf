#!lua
-- Keep what is marked so far in the open attempt; a lower revision changes nothing.
--
-- KEYS[1] meta         hash    epoch
-- KEYS[2] participant  hash    o = open attempt, v = "revision|choices"
-- ARGV[1] epoch
-- ARGV[2] number of the attempt
-- ARGV[3] revision
-- ARGV[4] choices
--
-- Returns {"ok", v}, {"closed"} where that attempt is not open, or {"epoch"}.

if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then
  return { 'epoch' }
end
local p = redis.call('HMGET', KEYS[2], 'o', 'v')
if not p[1] or string.match(p[1], '^(%d+)|') ~= ARGV[2] then
  return { 'closed' }
end
local kept = p[2]
if kept and tonumber(string.match(kept, '^(%d+)|')) >= tonumber(ARGV[3]) then
  return { 'ok', kept }
end
kept = ARGV[3] .. '|' .. ARGV[4]
redis.call('HSET', KEYS[2], 'v', kept)
return { 'ok', kept }
