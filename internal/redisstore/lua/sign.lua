#!lua
-- Sign the pledge once. A repeat changes nothing and returns what was stored.
--
-- KEYS[1] meta         hash    epoch
-- KEYS[2] participant  hash    u g s f j
-- KEYS[3] facts        stream
-- KEYS[4] personal     stream
-- ARGV[1] epoch
-- ARGV[2] participant id
-- ARGV[3] the signature, packed
-- ARGV[4] signed at, Unix ms
-- ARGV[5] body of the fact "signed"
-- ARGV[6] sealed personal record
--
-- Returns {"ok", unit}, {"done", unit, s}, {"required"}, {"joined"} for who is counted as
-- somebody else and does not sign in as this participant any more, or {"epoch"}.

if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then
  return { 'epoch' }
end
local p = redis.call('HMGET', KEYS[2], 'u', 'g', 's', 'f', 'j')
if not p[1] then
  return { 'required' }
end
if p[3] then
  return { 'done', p[1], p[3] }
end
if p[5] then
  local from = string.match(p[5], '^=(.+)$')
  if not from then
    return { 'joined' }
  end
  redis.call('HDEL', KEYS[2], 'j') -- the person is back as this participant
  redis.call('XADD', KEYS[3], ARGV[1] .. '-*', 'k', 'parted.1', 'p', ARGV[2], 'u', p[1], 'g', p[2],
    't', ARGV[4], 'd', cjson.encode({ from = from }))
end
redis.call('HSET', KEYS[2], 's', ARGV[3], 'f', '1')
redis.call('XADD', KEYS[3], ARGV[1] .. '-*', 'k', 'signed.1', 'p', ARGV[2], 'u', p[1], 'g', p[2],
  't', ARGV[4], 'f', p[4] and '' or '1', 'd', ARGV[5])
redis.call('XADD', KEYS[4], ARGV[1] .. '-*', 'k', 'signature.1', 'p', ARGV[2], 't', ARGV[4], 'd', ARGV[6])
return { 'ok', p[1] }
