#!lua
-- Claim this Redis for a deployment, or find that it is another's.
--
-- KEYS[1] deployment  hash   "id", and "secret:<name>" to a fingerprint
-- ARGV[1] the id that the server knows, or "" when it knows none
-- ARGV[2] the id to write where there is none, or "" to write none
-- ARGV[3] ARGV[4] … name and fingerprint of each secret
--
-- Returns {"claimed", id} when it wrote the id, {"same", id} when it was there,
-- {"emptied"} when there is none and none may be written, {"foreign", id} when
-- there is another, and {"secrets", name …} with the secrets that differ. Only
-- the first two change anything: a secret that is new to the deployment is
-- added. One that the server does not bring is left alone: keys retire.

local id = redis.call("HGET", KEYS[1], "id")
if not id and ARGV[2] == "" then
  return { "emptied" }
end
if id and ARGV[1] ~= "" and id ~= ARGV[1] then
  return { "foreign", id }
end

local differ = { "secrets" }
for i = 3, #ARGV, 2 do
  local known = redis.call("HGET", KEYS[1], "secret:" .. ARGV[i])
  if known and known ~= ARGV[i + 1] then
    differ[#differ + 1] = ARGV[i]
  end
end
if #differ > 1 then
  return differ
end

for i = 3, #ARGV, 2 do
  redis.call("HSETNX", KEYS[1], "secret:" .. ARGV[i], ARGV[i + 1])
end
if id then
  return { "same", id }
end
redis.call("HSET", KEYS[1], "id", ARGV[2])
return { "claimed", ARGV[2] }
