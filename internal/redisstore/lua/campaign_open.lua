#!lua
-- Write down once how a campaign was opened, or tell how it was.
--
-- KEYS[1] campaign  hash    shards epoch base bits state
-- ARGV[1] shards, a power of two
-- ARGV[2] base, Unix seconds
-- ARGV[3] bits of the board's layout
-- ARGV[4] "new" where the campaign may be new, "" where it was opened before
--
-- Returns {"absent"} for a campaign that may not be new and is not there, else
-- {"opening"|"open"|"rebuilding", shards, epoch, base, bits}. While it is
-- opening, shards without meta are new; once it is open, such a shard was emptied.

local key = KEYS[1]
if redis.call('EXISTS', key) == 0 then
  if ARGV[4] ~= 'new' then
    return { 'absent' }
  end
  redis.call('HSET', key, 'shards', ARGV[1], 'epoch', '1', 'base', ARGV[2], 'bits', ARGV[3], 'state', 'opening')
end
local v = redis.call('HMGET', key, 'state', 'shards', 'epoch', 'base', 'bits')
return { v[1], v[2], v[3], v[4], v[5] }
