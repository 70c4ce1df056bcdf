#!lua flags=no-writes
-- Tell where somebody stands on a board, as far as their own shard knows.
--
-- KEYS[1] meta         hash    epoch
-- KEYS[2] participant  hash    b x
-- KEYS[3] board        zset    participant by packed place
-- ARGV[1] epoch
-- ARGV[2] participant's id
-- ARGV[3] lines to show with the participant in their middle, 0 for none
-- ARGV[4] "1" for the main board, on which whoever hands in stands at once
--
-- Returns {"none"} for who has no place in public, {"epoch"}, or {"ok", the field b,
-- the place as listed or "", how many above, equal, on the board, who is on the lines
-- and one before and behind them, and their places in turn, the best first}. The lines
-- are left out where the board does not list the participant where they stand now.
--
-- Each question to a large board is a walk through cold memory, and each place costs a
-- text: so no more is read than is shown, and from that is told who is above and equal,
-- where it suffices.

if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then
  return { 'epoch' }
end
local p = redis.call('HMGET', KEYS[2], 'b', 'x')
if not p[1] or p[2] then
  return { 'none' }
end
local board, place, lines = KEYS[3], string.match(p[1], '^%d+'), tonumber(ARGV[3])
local listed = place
if ARGV[4] ~= '1' then
  listed = redis.call('ZSCORE', board, ARGV[2]) or ''
end
local all = redis.call('ZCARD', board)

local around, above, equal = {}, nil, nil
if lines > 0 and listed == place then
  local rank = redis.call('ZREVRANK', board, ARGV[2])
  local top = math.max(math.min(rank - math.floor(lines / 2), all - lines), 0)
  local from = math.max(top - 1, 0)
  around = redis.call('ZREVRANGE', board, from, top + lines, 'WITHSCORES')
  local first = 2 * (rank - from) + 1 -- of who stands equal
  local last = first
  while around[first - 1] == place do
    first = first - 2
  end
  while around[last + 3] == place do
    last = last + 2
  end
  if (first > 1 or from == 0) and (last + 1 < #around or from + #around / 2 == all) then
    above, equal = from + (first - 1) / 2, (last - first) / 2 + 1
  end
end
if not above then
  above = redis.call('ZCOUNT', board, '(' .. place, '+inf')
  equal = redis.call('ZCOUNT', board, place, place)
end
local reply = { 'ok', p[1], listed, tostring(above), tostring(equal), tostring(all) }
for i, word in ipairs(around) do
  reply[6 + i] = word
end
return reply
