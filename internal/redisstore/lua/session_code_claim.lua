#!lua
-- Give one owner the right to show a one-use code to WeChat, or say what the
-- code led to.
--
-- KEYS[1] code   hash    o (owner), or p f once the result is known
-- ARGV[1] owner
-- ARGV[2] ms for which the right is given
--
-- Returns {"done", p, f}, {"mine"} or {"held"}.

local code = redis.call('HMGET', KEYS[1], 'o', 'p', 'f')
if code[2] then
  return { 'done', code[2], code[3] }
end
if code[1] and code[1] ~= ARGV[1] then
  return { 'held' }
end
redis.call('HSET', KEYS[1], 'o', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return { 'mine' }
