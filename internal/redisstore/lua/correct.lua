#!lua
-- Change how a participant's accepted acts count, how one was marked, where they
-- belong, or whether they are hidden, unless anything of theirs has changed meanwhile.
--
-- KEYS[1] meta         hash    epoch, and whose turn it is at a batch
-- KEYS[2] participant  hash
-- KEYS[3] facts        stream
-- KEYS[4] KEYS[5] KEYS[6]  the layers board, late and kept of the main board
-- KEYS[7] KEYS[8] KEYS[9]  the same for hidden people
-- KEYS[10] thaw        set     scopes that have late places
-- ARGV[1] epoch
-- ARGV[2] participant id
-- ARGV[3] kind of the fact
-- ARGV[4] its time, Unix ms
-- ARGV[5] its body
-- ARGV[6] place on the board from now on, "" for none
-- ARGV[7] place by everything, where it is another, or ""
-- ARGV[8] "1" where they are hidden from now on, or ""
-- ARGV[9] field of meta that holds the turn at the batch, "" for none
-- ARGV[10] the turn it must be
-- ARGV[11] how many fields were read; then each field and what it held, "" for nothing
-- then how many are written; then each field and its value, "" for none at all
--
-- Returns {"ok"}, {"changed"} where a field holds something else, {"turn"} where it
-- is another turn, or {"epoch"}.

if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then
  return { 'epoch' }
end
if ARGV[9] ~= '' and redis.call('HGET', KEYS[1], ARGV[9]) ~= ARGV[10] then
  return { 'turn' }
end
local i = 11
local function pairs_of()
  local names, values, n = {}, {}, tonumber(ARGV[i])
  for k = 1, n do
    names[k], values[k] = ARGV[i + 2 * k - 1], ARGV[i + 2 * k]
  end
  i = i + 2 * n + 1
  return names, values
end
local read, expected = pairs_of()
local held = redis.call('HMGET', KEYS[2], unpack(read))
for k = 1, #read do
  if (held[k] or '') ~= expected[k] then
    return { 'changed' }
  end
end

local names, values = pairs_of()
for k = 1, #names do
  if values[k] == '' then
    redis.call('HDEL', KEYS[2], names[k])
  else
    redis.call('HSET', KEYS[2], names[k], values[k])
  end
end
for k = 4, 9 do
  redis.call('ZREM', KEYS[k], ARGV[2])
end
local first = ARGV[8] == '1' and 7 or 4
if ARGV[6] ~= '' then
  redis.call('ZADD', KEYS[first], ARGV[6], ARGV[2])
end
if ARGV[7] ~= '' then
  redis.call('ZADD', KEYS[first + 1], ARGV[7], ARGV[2])
  redis.call('SADD', KEYS[10], '')
  if ARGV[6] ~= '' then
    redis.call('ZADD', KEYS[first + 2], ARGV[6], ARGV[2])
  end
end
local p = redis.call('HMGET', KEYS[2], 'u', 'g')
redis.call('XADD', KEYS[3], ARGV[1] .. '-*', 'k', ARGV[3], 'p', ARGV[2], 'u', p[1], 'g', p[2],
  't', ARGV[4], 'd', ARGV[5])
return { 'ok' }
