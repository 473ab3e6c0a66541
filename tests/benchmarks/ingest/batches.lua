-- wrk: makes every request anew, as devices would. Filled in by side_by_side.py.
local mode, size, tokens = "@MODE@", @SIZE@, @TOKENS@
local bit = require("bit")
local alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
local threads = 0

function setup(thread)
  threads = threads + 1
  thread:set("number", threads)
end

function init()
  math.randomseed(os.time() * 10 + number)
  salt = string.format("%04x%04x", math.random(0, 65535), math.random(0, 65535))
  me = tokens[(number - 1) % #tokens + 1]
  count, seq, tube = 0, 0, 0
end

local function uuid()
  count = count + 1
  return string.format("0198%04x-%s-7%03x-8%03x-%012x", number, salt:sub(1, 4), 0, 0, count)
end

local function code()
  local sum, text = 0, {}
  for place = 1, 11 do
    local value = place < 11 and math.random(0, 31) or 0
    sum = bit.bxor(bit.lshift(sum, 1), bit.band(sum, 16) ~= 0 and 37 or 0)
    sum = bit.bxor(sum, value)
    text[place] = value
  end
  text[11] = sum
  for place = 1, 11 do text[place] = alphabet:sub(text[place] + 1, text[place] + 1) end
  return table.concat(text)
end

local function event(kind, data)
  return '{"event_id":"' .. uuid() .. '","kind":"' .. kind
    .. '","occurred_at":"' .. os.date("!%Y-%m-%dT%H:%M:%SZ") .. '","actor_grant":"' .. me.grant
    .. '","data":{' .. data .. "}}"
end

local function ours()
  local events, left = {}, size
  while left > 0 do
    local people = math.min(left, 5)
    tube = tube + 1
    local name = string.format("%s%06d", me.prefix, tube)
    local of = '"tube_code":"' .. name .. '",'
    events[#events + 1] = event("tube.opened",
      of .. '"session_code":"' .. me.session .. '","planned_size":' .. people)
    for position = 1, people do
      local id = string.format("048085%06d", math.random(0, 999999))
      events[#events + 1] = event("sample.collected", of .. '"sample_id":"' .. uuid()
        .. '","position":' .. position .. ',"result_code":"' .. code() .. '","source":"cccd",'
        .. '"payload":"' .. id .. '||Nguyễn Văn Thử|02091985|Nam|Hải Châu, Đà Nẵng|01052021"')
    end
    events[#events + 1] = event("tube.sealed", of .. '"sample_count":' .. people)
    left = left - people
  end
  seq = seq + 1
  local body = '{"device_id":"' .. me.id .. '","batch_id":"' .. uuid() .. '","seq":' .. seq
    .. ',"events":[' .. table.concat(events, ",") .. "]}"
  return me.token, body
end

local function row()
  return '{"code":"' .. salt .. uuid() .. '","full_name":"Nguyễn Văn Thử","tube_code":"T'
    .. count .. '"}'
end

local function plain()
  local rows = {}
  for n = 1, size do rows[n] = row() end
  if mode == "fab" then return me, rows[1] end
  return me, "[" .. table.concat(rows, ",") .. "]"
end

function request()
  local token, body
  if mode == "ours" then token, body = ours() else token, body = plain() end
  return wrk.format("POST", nil,
    { ["Authorization"] = "Bearer " .. token, ["Content-Type"] = "application/json" }, body)
end
