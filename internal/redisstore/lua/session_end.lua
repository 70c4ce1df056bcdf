#!lua
-- End a session that exists. Its record stays for its time, so that no repeat
-- of an earlier request brings it back.
--
-- KEYS[1] session  hash    g t b x e, as in session_begin.lua
--
-- Returns {"ok"}, whether it was there or not.

local session = redis.call('HMGET', KEYS[1], 'g', 'e')
if session[1] and not session[2] then
  redis.call('HSET', KEYS[1], 'e', 'revoked')
end
return { 'ok' }
