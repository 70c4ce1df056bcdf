#!lua flags=no-writes
-- Tell where somebody stands on a board, as far as their own shard knows.
--
-- KEYS[1] meta         hash    epoch
-- KEYS[2] participant  hash    b x
-- KEYS[3] board        zset    participant by packed place
-- ARGV[1] epoch
-- ARGV[2] participant's id
-- ARGV[3] lines to show with the participant in their middle
-- ARGV[4…] fields of the people on those lines, none where they are not wanted. Their
--   hashes are in this shard, and so have the key of KEYS[2] with another id.
--
-- Returns {"none"} for who has no place in public, {"epoch"}, or {"ok", the field b,
-- the place as listed or "", how many above, equal, on the board, how many neighbours,
-- those and their places in turn, the best first, ids of the people on the lines and
-- their fields in turn, "" for what is not there}. Neighbours, as many on either side as
-- there are lines, are left out where the board does not list the participant where they
-- stand now.
--
-- Each question to a large board is a walk through cold memory, so that who is above and
-- equal is told from the neighbours where these suffice.

if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then
  return { 'epoch' }
end
local p = redis.call('HMGET', KEYS[2], 'b', 'x')
if not p[1] or p[2] then
  return { 'none' }
end
local board, place, lines = KEYS[3], string.match(p[1], '^%d+'), tonumber(ARGV[3])
local all, rank = redis.call('ZCARD', board), redis.call('ZREVRANK', board, ARGV[2])
local listed, around, above, equal = '', {}, nil, nil
local own, from = 1, 0 -- where the participant is in around, and the rank of its first
if rank then
  local side = math.max(lines, 1)
  from = math.max(rank - side, 0)
  own = 2 * (rank - from) + 1
  around = redis.call('ZREVRANGE', board, from, rank + side, 'WITHSCORES')
  listed = around[own + 1]
end
if listed == place then
  local first, last = own, own -- of who stands equal
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
if lines == 0 or listed ~= place then
  around = {}
end
local reply = { 'ok', p[1], listed, tostring(above), tostring(equal), tostring(all), tostring(#around / 2) }
for _, word in ipairs(around) do
  reply[#reply + 1] = word
end
if #around > 0 and ARGV[4] then
  local prefix = string.sub(KEYS[2], 1, #KEYS[2] - #ARGV[2])
  local many = #around / 2
  local size = math.min(lines, many)
  local first = math.min(math.max((own - 1) / 2 - math.floor(size / 2), 0), many - size)
  for line = first, first + size - 1 do
    local id = around[2 * line + 1]
    local fields = redis.call('HMGET', prefix .. id, unpack(ARGV, 4))
    reply[#reply + 1] = id
    for i = 1, #ARGV - 3 do
      reply[#reply + 1] = fields[i] or ''
    end
  end
end
return reply
