#!lua
-- Take the personal data of one participant away, and order the same of the
-- ledger. What they did stays.
--
-- KEYS[1] meta         hash    epoch
-- KEYS[2] participant  hash    u g e s
-- KEYS[3] facts        stream
-- KEYS[4] personal     stream
-- ARGV[1] epoch
-- ARGV[2] participant id
-- ARGV[3] now, Unix ms
--
-- Returns {"ok"}, {"done"} where nothing is left to be taken, {"none"} for who is
-- not enrolled, or {"epoch"}.

if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then
  return { 'epoch' }
end
local p = redis.call('HMGET', KEYS[2], 'u', 'g', 'e', 's')
if not p[1] then
  return { 'none' }
end
local guardian, notice = string.match(p[3], '^%d|(%d)|[^|]*|([^|]*)|')
local enrolment = '0|' .. guardian .. '||' .. notice .. '|'
local signature = p[4] and string.match(p[4], '^[^|]*|[^|]*|[^|]*|[^|]*|[^|]*|')
if p[3] == enrolment and (not p[4] or p[4] == signature) then
  return { 'done' }
end

local body = cjson.encode({ notice = notice, guardian = guardian == '1' })
redis.call('HSET', KEYS[2], 'e', enrolment)
if signature then
  redis.call('HSET', KEYS[2], 's', signature)
end
redis.call('XADD', KEYS[3], ARGV[1] .. '-*', 'k', 'erased.1', 'p', ARGV[2], 'u', p[1], 'g', p[2],
  't', ARGV[3], 'd', body)
redis.call('XADD', KEYS[4], ARGV[1] .. '-*', 'k', 'erasure.1', 'p', ARGV[2], 't', ARGV[3])
return { 'ok' }
