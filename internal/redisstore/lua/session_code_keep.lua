#!lua
-- Remember what a one-use code led to. The first result stays.
--
-- KEYS[1] code   hash    o, p f
-- ARGV[1] participant
-- ARGV[2] family
-- ARGV[3] ms to remember it for
--
-- Returns {"ok", p, f}.

local code = redis.call('HMGET', KEYS[1], 'p', 'f')
if code[1] then
  return { 'ok', code[1], code[2] }
end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'p', ARGV[1], 'f', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return { 'ok', ARGV[1], ARGV[2] }
