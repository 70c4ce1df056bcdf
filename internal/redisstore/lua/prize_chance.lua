#!lua
-- Spend a participant's next chance once, and win what it fell on where there is one
-- left. All of a campaign's prizes lie in one shard, whichever its participants are of.
--
-- KEYS[1] meta     hash    epoch
-- KEYS[2] chances  hash    l = "last|day|on day|wins", c<n> = "at|rolled|item|why",
--                          w = "prize.item,prize.item," of all that they won
-- KEYS[3] prizes   hash    prize to how many were won
-- KEYS[4] wins     hash    "prize.item" to who won it, and what became of it
-- KEYS[5] facts    stream
-- ARGV[1] epoch
-- ARGV[2] participant id
-- ARGV[3] unit
-- ARGV[4] group
-- ARGV[5] number of the chance
-- ARGV[6] local date now, packed
-- ARGV[7] chances a day, 0 for no bound
-- ARGV[8] chances in all, 0 for no bound
-- ARGV[9] instant wins of one participant, 0 for no bound
-- ARGV[10] now, Unix ms
-- ARGV[11] prize that the chance falls on, "" for none
-- ARGV[12] how many of it may have been won by now
--
-- Returns {"spent", chance}, {"repeat", chance}, or one of "day_limit", "all_limit",
-- "number", "broken" and "epoch".

if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then
  return { 'epoch' }
end
local slot, number = 'c' .. ARGV[5], tonumber(ARGV[5])
local p = redis.call('HMGET', KEYS[2], 'l', slot, 'w')
if p[2] then
  return { 'repeat', p[2] }
end
local last, day, on_day, wins = string.match(p[1] or '0||0|0', '^(%d+)|([^|]*)|(%d+)|(%d+)$')
last, on_day, wins = tonumber(last), tonumber(on_day), tonumber(wins)
if number ~= last + 1 then
  return { 'number' }
end
if day ~= ARGV[6] then
  on_day = 0
end
local per_day, all, most = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
if all > 0 and last >= all then
  return { 'all_limit' }
end
if per_day > 0 and on_day >= per_day then
  return { 'day_limit' }
end

local rolled, item, why = ARGV[11], '', ''
if rolled ~= '' then
  local won = tonumber(redis.call('HGET', KEYS[3], rolled) or '0')
  if most > 0 and wins >= most then
    why = 'had'
  elseif won >= tonumber(ARGV[12]) then
    why = 'gone'
  else
    item = tostring(won + 1)
    if redis.call('HEXISTS', KEYS[4], rolled .. '.' .. item) == 1 then
      return { 'broken' }
    end
    wins = wins + 1
  end
end

local chance = ARGV[10] .. '|' .. rolled .. '|' .. item .. '|' .. why
redis.call('HSET', KEYS[2], 'l', number .. '|' .. ARGV[6] .. '|' .. (on_day + 1) .. '|' .. wins, slot, chance)
local kind, body = 'chance.1', '{"number":' .. number
if item ~= '' then
  kind, body = 'won.1', '{"prize":"' .. rolled .. '","item":' .. item .. ',"number":' .. number .. '}'
  redis.call('HSET', KEYS[2], 'w', (p[3] or '') .. rolled .. '.' .. item .. ',')
  redis.call('HSET', KEYS[3], rolled, item)
  redis.call('HSET', KEYS[4], rolled .. '.' .. item,
    ARGV[2] .. '|' .. ARGV[3] .. '|' .. ARGV[4] .. '|' .. number .. '||0|' .. ARGV[10] .. '|won|' .. ARGV[10])
elseif rolled ~= '' then
  body = body .. ',"rolled":"' .. rolled .. '","why":"' .. why .. '"}'
else
  body = body .. '}'
end
redis.call('XADD', KEYS[5], ARGV[1] .. '-*', 'k', kind, 'p', ARGV[2], 'u', ARGV[3], 'g', ARGV[4], 't', ARGV[10], 'd', body)
return { 'spent', chance }
