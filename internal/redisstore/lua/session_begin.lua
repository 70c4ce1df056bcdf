#!lua
-- Begin a session at generation 1. A repeat finds it and changes nothing.
--
-- KEYS[1] session  hash    g (generation) t (ms of the last turn) b (ms of the
--                          begin) x (ms of the end) e (why it ended early)
-- ARGV[1] now, Unix ms
-- ARGV[2] its end, Unix ms
-- ARGV[3] ms to keep it after its end
--
-- Returns {"ok", g} or {"ended"}.

local session = redis.call('HMGET', KEYS[1], 'g', 'e')
if session[2] then
  return { 'ended' }
end
if session[1] then
  return { 'ok', session[1] }
end
redis.call('HSET', KEYS[1], 'g', '1', 't', ARGV[1], 'b', ARGV[1], 'x', ARGV[2])
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', ARGV[2] - ARGV[1] + ARGV[3]))
return { 'ok', '1' }
