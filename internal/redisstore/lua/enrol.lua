#!lua
-- Enrol a participant, or change an enrolment while nothing was accepted.
--
-- KEYS[1] meta         hash    epoch
-- KEYS[2] participant  hash    u g e t, f once an act was accepted, j
-- KEYS[3] facts        stream
-- KEYS[4] personal     stream
-- KEYS[5] bound        hash    participant: unit whose roster they came by
-- ARGV[1] epoch
-- ARGV[2] participant id
-- ARGV[3] unit
-- ARGV[4] group
-- ARGV[5] the rest of the enrolment, packed
-- ARGV[6] now, Unix ms
-- ARGV[7] body of the fact "enrolled"
-- ARGV[8] sealed personal record
-- ARGV[9] now, packed
--
-- Returns {"ok", e, t, unit, group}, {"fixed"}, {"bound"} where the roster says
-- another unit, {"joined"} for who is counted as somebody else and does
-- not sign in as this participant any more, or {"epoch"}.

if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then
  return { 'epoch' }
end
local old = redis.call('HMGET', KEYS[2], 'u', 'g', 'e', 'f', 't', 'j')
local unit, group = old[1], old[2]
local moved = unit and (unit ~= ARGV[3] or group ~= ARGV[4])
if unit and not moved and old[3] == ARGV[5] then
  return { 'ok', old[3], old[5], unit, group }
end
local from = old[6] and string.match(old[6], '^=(.+)$')
if old[6] and not from then
  return { 'joined' }
end
if unit ~= ARGV[3] then
  local bound = redis.call('HGET', KEYS[5], ARGV[2])
  if bound and bound ~= ARGV[3] then
    return { 'bound' }
  end
end
if moved and old[4] then
  return { 'fixed' }
end

if from then -- the person is back as this participant
  redis.call('HDEL', KEYS[2], 'j')
  redis.call('XADD', KEYS[3], ARGV[1] .. '-*', 'k', 'parted.1', 'p', ARGV[2], 'u', unit, 'g', group,
    't', ARGV[6], 'd', cjson.encode({ from = from }))
end
local at = old[5] or ARGV[9]
redis.call('HSET', KEYS[2], 'u', ARGV[3], 'g', ARGV[4], 'e', ARGV[5], 't', at)
if not unit then
  redis.call('XADD', KEYS[3], ARGV[1] .. '-*', 'k', 'enrolled.1', 'p', ARGV[2],
    'u', ARGV[3], 'g', ARGV[4], 't', ARGV[6], 'd', ARGV[7])
elseif moved then
  local body = cjson.encode({ from_unit = unit, from_group = group })
  redis.call('XADD', KEYS[3], ARGV[1] .. '-*', 'k', 'moved.1', 'p', ARGV[2],
    'u', ARGV[3], 'g', ARGV[4], 't', ARGV[6], 'd', body)
end
redis.call('XADD', KEYS[4], ARGV[1] .. '-*', 'k', 'enrolment.1', 'p', ARGV[2], 't', ARGV[6], 'd', ARGV[8])
return { 'ok', ARGV[5], at, ARGV[3], ARGV[4] }
