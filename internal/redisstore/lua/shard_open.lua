#!lua
-- Prepare one shard of a campaign, or check that it is the one that is known.
--
-- KEYS[1] meta    hash    epoch
-- KEYS[2] bound   hash    whose roster people came by; made, because a script that
--                         names a missing key is refused while its slot moves
-- ARGV[1] epoch the campaign is in
-- ARGV[2] "opening" where the shard may be new, else "open"
--
-- Returns {"ok"}, {"emptied"}, or {"epoch", the shard's}.

local epoch = redis.call('HGET', KEYS[1], 'epoch')
if not epoch then
  if ARGV[2] ~= 'opening' then
    return { 'emptied' }
  end
  redis.call('HSET', KEYS[1], 'epoch', ARGV[1])
elseif epoch ~= ARGV[1] then
  return { 'epoch', epoch }
end
redis.call('HSETNX', KEYS[2], '', '')
return { 'ok' }
