#!lua
-- Give back the right to show a one-use code to WeChat.
--
-- KEYS[1] code   hash    o, p f
-- ARGV[1] owner
--
-- Returns {"ok"}, whether the owner had the right or not.

local code = redis.call('HMGET', KEYS[1], 'o', 'p')
if code[1] == ARGV[1] and not code[2] then
  redis.call('DEL', KEYS[1])
end
return { 'ok' }
