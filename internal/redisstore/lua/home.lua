#!lua flags=no-writes
-- Read at one moment all that a participant's home page shows.
--
-- KEYS[1] meta         hash    epoch
-- KEYS[2] participant  hash
-- KEYS[3] board        zset    participant by packed place
-- KEYS[4] KEYS[5]      its layers late and kept
-- ARGV[1] epoch
-- ARGV[2…] fields of the participant, "b" and "x" the first two
--
-- Returns {"ok", how many stand above on this shard's board or "" for no place in
-- public, how many more its late layer makes it, the fields in their order, "" for
-- those that are not there}, or {"epoch"}.

if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then
  return { 'epoch' }
end
local p = redis.call('HMGET', KEYS[2], unpack(ARGV, 2))
local reply = { 'ok', '', '' }
if p[1] and not p[2] then
  local from = '(' .. string.match(p[1], '^%d+')
  reply[2] = tostring(redis.call('ZCOUNT', KEYS[3], from, '+inf'))
  reply[3] = tostring(redis.call('ZCOUNT', KEYS[4], from, '+inf') - redis.call('ZCOUNT', KEYS[5], from, '+inf'))
end
for i = 1, #ARGV - 1 do
  reply[3 + i] = p[i] or ''
end
return reply
