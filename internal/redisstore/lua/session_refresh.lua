#!lua
-- Take one turn of a session. The newest generation is succeeded by the next;
-- the one before it gets the same successor for a while, which also makes a
-- repeat of this script harmless; any other means that a copy is about, and the
-- session ends.
--
-- KEYS[1] session  hash    g t b x e, as in session_begin.lua
-- ARGV[1] generation shown
-- ARGV[2] now, Unix ms
-- ARGV[3] ms for which the one before the newest is good
-- ARGV[4] ms that the session lasts without another turn
-- ARGV[5] ms that it lasts in all
-- ARGV[6] ms to keep it after its end
--
-- Returns {"ok", g}, {"reused"}, {"expired"} or {"unknown"}.

local session = redis.call('HMGET', KEYS[1], 'g', 't', 'b', 'x', 'e')
if not session[1] then
  return { 'unknown' }
end
if session[5] then
  return { session[5] == 'reused' and 'reused' or 'unknown' }
end
local now = tonumber(ARGV[2])
if now >= tonumber(session[4]) then
  return { 'expired' }
end
local newest, shown = tonumber(session[1]), tonumber(ARGV[1])
if shown == newest - 1 and now - tonumber(session[2]) <= tonumber(ARGV[3]) then
  return { 'ok', session[1] }
end
if shown ~= newest then
  redis.call('HSET', KEYS[1], 'e', 'reused')
  return { 'reused' }
end
local ends = math.min(now + ARGV[4], session[3] + ARGV[5])
local successor = string.format('%.0f', newest + 1)
redis.call('HSET', KEYS[1], 'g', successor, 't', ARGV[2], 'x', string.format('%.0f', ends))
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', ends - now + ARGV[6]))
return { 'ok', successor }
