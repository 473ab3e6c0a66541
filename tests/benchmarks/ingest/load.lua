-- wrk: sends the requests of a file (wire.py), from the start again when it is at the end.
local file = assert(io.open(os.getenv("LOAD_FILE"), "rb"))

function request()
  local length = file:read(8)
  if not length then
    file:seek("set")
    length = file:read(8)
  end
  return file:read(tonumber(length))
end

-- Milliseconds between two requests of a connection, to hold a rate instead of finding the limit.
local pause = tonumber(os.getenv("LOAD_PAUSE_MS") or "")
if pause then
  function delay()
    return pause
  end
end
