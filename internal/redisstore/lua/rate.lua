#!lua
-- Count one call of a caller by the generic cell rate algorithm: the key holds
-- the time at which all calls granted so far would have come one by one.
--
-- KEYS[1] that time, Unix µs, as a whole number
-- ARGV[1] now, Unix µs
-- ARGV[2] µs between two calls at the rate that is granted for good
-- ARGV[3] calls that may come at once
--
-- Returns {"ok"}, or {"limited", µs until one more would be granted}.

local now, step = tonumber(ARGV[1]), tonumber(ARGV[2])
local room = step * ARGV[3]
local due = tonumber(redis.call('GET', KEYS[1]) or now)
if due > now + room then
  -- The clock was set back: nobody is locked out for longer than a burst.
  due = now + room
  redis.call('SET', KEYS[1], string.format('%.0f', due), 'PX', string.format('%.0f', math.ceil(room / 1000)))
end
due = math.max(now, due)
if due + step - room > now then
  return { 'limited', string.format('%.0f', due + step - room - now) }
end
redis.call('SET', KEYS[1], string.format('%.0f', due + step), 'PX',
  string.format('%.0f', math.ceil((due + step - now) / 1000)))
return { 'ok' }
