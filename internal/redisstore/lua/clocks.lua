#!lua
-- Make known that the campaign's clocks have changed: whoever has not heard of it hands
-- nothing in from the moment on at which it makes a difference.
--
-- KEYS[1] meta  hash  epoch, clocks = "number|the one before|from when, Unix ms"
-- ARGV[1] epoch
-- ARGV[2] number
-- ARGV[3] the one before, 0 for none
-- ARGV[4] from when on it makes a difference, Unix ms
--
-- Returns {"ok"}, also where this or a newer one is known, or {"epoch"}.

local held = redis.call('HMGET', KEYS[1], 'epoch', 'clocks')
if held[1] ~= ARGV[1] then
  return { 'epoch' }
end
if held[2] and tonumber(string.match(held[2], '^%d+')) >= tonumber(ARGV[2]) then
  return { 'ok' }
end
redis.call('HSET', KEYS[1], 'clocks', ARGV[2] .. '|' .. ARGV[3] .. '|' .. ARGV[4])
return { 'ok' }
