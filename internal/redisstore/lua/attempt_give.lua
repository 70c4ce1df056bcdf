#!lua
-- Give a participant an attempt back whose sitting was hit, once for each act.
--
-- KEYS[1] meta         hash    epoch, and whose turn it is at the act
-- KEYS[2] participant  hash    u g l a<number> j
-- KEYS[3] facts        stream
-- ARGV[1] epoch
-- ARGV[2] participant id
-- ARGV[3] the act: letters and digits
-- ARGV[4] number of the attempt that was hit
-- ARGV[5] what was read of it, "" where it is open
-- ARGV[6] now, Unix ms
-- ARGV[7] field of meta that holds the turn
-- ARGV[8] the turn it must be
--
-- Returns {"ok"}, {"already"} where the act has given them one, {"joined"} for who is
-- counted as somebody else, {"changed"} where the attempt is something else by now, {"turn"} where it is another turn, or {"epoch"}.

local meta = redis.call('HMGET', KEYS[1], 'epoch', ARGV[7])
if meta[1] ~= ARGV[1] then
  return { 'epoch' }
end
if meta[2] ~= ARGV[8] then
  return { 'turn' }
end
local p = redis.call('HMGET', KEYS[2], 'u', 'g', 'l', 'a' .. ARGV[4], 'j')
if p[5] then
  return { 'joined' }
end
if not p[1] or not p[3] or (p[4] or '') ~= ARGV[5] then
  return { 'changed' }
end
local head, extra, given = string.match(p[3], '^(%d+|[^|]*|%d+)|?(%d*)|?(.*)$')
if string.find(',' .. given, ',' .. ARGV[3] .. ',', 1, true) then
  return { 'already' }
end
if extra == '' then
  extra = '0'
end
redis.call('HSET', KEYS[2], 'l', head .. '|' .. extra .. '|' .. given .. ARGV[3] .. ',')
redis.call('XADD', KEYS[3], ARGV[1] .. '-*', 'k', 'granted.1', 'p', ARGV[2], 'u', p[1], 'g', p[2],
  't', ARGV[6], 'd', '{"act":"' .. ARGV[3] .. '","number":' .. ARGV[4] .. '}')
return { 'ok' }
