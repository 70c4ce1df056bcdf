#!lua
-- Bring a prize that was won from one state into another.
--
-- KEYS[1] meta   hash    epoch
-- KEYS[2] wins   hash    "prize.item" to "participant|unit|group|…|state|since"
-- KEYS[3] facts  stream
-- ARGV[1] epoch
-- ARGV[2] prize
-- ARGV[3] item
-- ARGV[4] state that it must be in
-- ARGV[5] state from now on
-- ARGV[6] now, Unix ms
-- ARGV[7] kind of the fact
--
-- Returns {"ok", win}, {"already", win} where it is in that state, {"state", win} where
-- it is in another, {"none"} or {"epoch"}.

if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then
  return { 'epoch' }
end
local id = ARGV[2] .. '.' .. ARGV[3]
local held = redis.call('HGET', KEYS[2], id)
if not held then
  return { 'none' }
end
local head, state = string.match(held, '^(.*)|([^|]*)|%d+$')
if state == ARGV[5] then
  return { 'already', held }
end
if state ~= ARGV[4] then
  return { 'state', held }
end
local win = head .. '|' .. ARGV[5] .. '|' .. ARGV[6]
local participant, unit, group = string.match(held, '^([^|]*)|([^|]*)|([^|]*)|')
redis.call('HSET', KEYS[2], id, win)
redis.call('XADD', KEYS[3], ARGV[1] .. '-*', 'k', ARGV[7], 'p', participant, 'u', unit, 'g', group, 't', ARGV[6],
  'd', '{"prize":"' .. ARGV[2] .. '","item":' .. ARGV[3] .. '}')
return { 'ok', win }
