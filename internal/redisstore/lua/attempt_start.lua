#!lua
-- Open a participant's next attempt, unless one is open or the limits are spent.
--
-- KEYS[1] meta         hash    epoch
-- KEYS[2] participant  hash    u g l v j as pack.go says, o = "number|deadline|…"
-- KEYS[3] open         zset    participant by deadline
-- KEYS[4] facts        stream
-- ARGV[1] epoch
-- ARGV[2] participant id
-- ARGV[3] local date now, packed
-- ARGV[4] attempts a day, 0 for no bound
-- ARGV[5] attempts in all, 0 for no bound
-- ARGV[6] wanted number, 0 for the next
-- ARGV[7] now, Unix ms
-- ARGV[8] grace, ms
-- ARGV[9] deadline, Unix ms
-- ARGV[10] the attempt, packed, without its number
-- ARGV[11] body of the fact "started", from behind its number
-- ARGV[12] group that the attempt is for, "" for any
--
-- Returns {"started", l}, {"open" or "overdue", l, o, v}, {"group", g} for somebody
-- of another group, or one of "used", "day_limit", "all_limit", "number", "required",
-- "joined" for who is counted as somebody else and does not sign in as this participant
-- any more, and "epoch".

if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then
  return { 'epoch' }
end
local p = redis.call('HMGET', KEYS[2], 'u', 'g', 'l', 'o', 'v', 'j')
if not p[1] then
  return { 'required' }
end
local last, day, on_day, extra, given = string.match(p[3] or '0||0', '^(%d+)|([^|]*)|(%d+)|?(%d*)|?(.*)$')
last, on_day, extra = tonumber(last), tonumber(on_day), tonumber(extra) or 0
local wanted = tonumber(ARGV[6])

local open = p[4]
if open then
  local number, deadline = string.match(open, '^(%d+)|(%d+)|')
  if wanted == 0 or wanted == tonumber(number) or wanted == last + 1 then
    local late = tonumber(deadline) + tonumber(ARGV[8]) < tonumber(ARGV[7])
    return { late and 'overdue' or 'open', p[3], open, p[5] or '' }
  end
end
if wanted > 0 and wanted <= last then
  return { 'used' }
end
if wanted > last + 1 then
  return { 'number' }
end
local from = p[6] and string.match(p[6], '^=(.+)$')
if p[6] and not from then
  return { 'joined' }
end
if day ~= ARGV[3] then
  on_day = 0
end
local all, per_day = tonumber(ARGV[5]), tonumber(ARGV[4])
local spent = all > 0 and last - extra >= all and 'all_limit' or per_day > 0 and on_day >= per_day and 'day_limit'
if spent then -- one that was given back counts for neither
  local _, back = string.gsub(given, ',', '')
  if extra >= back or last >= 1000 then -- 1000 is everybody's bound
    return { spent }
  end
end
if ARGV[12] ~= '' and ARGV[12] ~= p[2] then
  return { 'group', p[2] }
end

local number = last + 1
local limits = number .. '|' .. ARGV[3] .. '|' .. (spent and on_day or on_day + 1)
if given ~= '' then
  limits = limits .. '|' .. (spent and extra + 1 or extra) .. '|' .. given
end
if from then -- the person is back as this participant
  redis.call('HDEL', KEYS[2], 'j')
  redis.call('XADD', KEYS[4], ARGV[1] .. '-*', 'k', 'parted.1', 'p', ARGV[2], 'u', p[1], 'g', p[2],
    't', ARGV[7], 'd', cjson.encode({ from = from }))
end
redis.call('HSET', KEYS[2], 'l', limits, 'o', number .. '|' .. ARGV[10])
redis.call('ZADD', KEYS[3], ARGV[9], ARGV[2])
redis.call('XADD', KEYS[4], ARGV[1] .. '-*', 'k', 'started.1', 'p', ARGV[2], 'u', p[1], 'g', p[2],
  't', ARGV[7], 'd', '{"number":' .. number .. (spent and ',"extra":true' or '') .. ARGV[11])
return { 'started', limits }
