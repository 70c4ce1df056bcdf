#!lua
-- Give an item of a prize to a winner of a draw, once.
--
-- KEYS[1] meta     hash    epoch
-- KEYS[2] prizes   hash    prize to how many were won
-- KEYS[3] wins     hash    "prize.item" to who won it, and what became of it
-- KEYS[4] facts    stream
-- KEYS[5] chances  hash    w = "prize.item,prize.item," of all that the winner won
-- ARGV[1] epoch
-- ARGV[2] participant id
-- ARGV[3] unit
-- ARGV[4] group
-- ARGV[5] prize
-- ARGV[6] item
-- ARGV[7] draw
-- ARGV[8] place
-- ARGV[9] now, Unix ms
--
-- Returns {"ok"}, {"already", win} where the item was given before, or {"epoch"}.

if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then
  return { 'epoch' }
end
local id = ARGV[5] .. '.' .. ARGV[6]
local held = redis.call('HGET', KEYS[3], id)
if held then
  return { 'already', held }
end
redis.call('HSET', KEYS[5], 'w', (redis.call('HGET', KEYS[5], 'w') or '') .. id .. ',')
redis.call('HINCRBY', KEYS[2], ARGV[5], 1)
redis.call('HSET', KEYS[3], id, ARGV[2] .. '|' .. ARGV[3] .. '|' .. ARGV[4] .. '|0|' .. ARGV[7] .. '|' .. ARGV[8] .. '|'
  .. ARGV[9] .. '|won|' .. ARGV[9])
redis.call('XADD', KEYS[4], ARGV[1] .. '-*', 'k', 'won.1', 'p', ARGV[2], 'u', ARGV[3], 'g', ARGV[4], 't', ARGV[9],
  'd', '{"prize":"' .. ARGV[5] .. '","item":' .. ARGV[6] .. ',"draw":"' .. ARGV[7] .. '","place":' .. ARGV[8] .. '}')
return { 'ok' }
