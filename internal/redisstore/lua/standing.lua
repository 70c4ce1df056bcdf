#!lua flags=no-writes
-- Tell where somebody stands on a board, as far as their own shard knows.
--
-- KEYS[1] meta         hash    epoch
-- KEYS[2] participant  hash    b x
-- KEYS[3] board        zset    participant by packed place
-- ARGV[1] epoch
-- ARGV[2] participant's id
-- ARGV[3] neighbours on either side
--
-- Returns {"none"} for who has no place in public, {"epoch"}, or {"ok", the field b,
-- the place as listed or "", how many above, equal, on the board, neighbours and
-- their places in turn, the best first}. Neighbours are left out where the board does
-- not list the participant where they stand now.

if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then
  return { 'epoch' }
end
local p = redis.call('HMGET', KEYS[2], 'b', 'x')
if not p[1] or p[2] then
  return { 'none' }
end
local place = string.match(p[1], '^%d+')
local listed = redis.call('ZSCORE', KEYS[3], ARGV[2]) or ''
local reply = {
  'ok', p[1], listed,
  tostring(redis.call('ZCOUNT', KEYS[3], '(' .. place, '+inf')),
  tostring(redis.call('ZCOUNT', KEYS[3], place, place)),
  tostring(redis.call('ZCARD', KEYS[3])),
}
local window = tonumber(ARGV[3])
if window > 0 and listed == place then
  local rank = redis.call('ZREVRANK', KEYS[3], ARGV[2])
  local around = redis.call('ZREVRANGE', KEYS[3], math.max(rank - window, 0), rank + window, 'WITHSCORES')
  for i, word in ipairs(around) do
    reply[6 + i] = word
  end
end
return reply
