import { defineScript } from './script.ts'

/** Begins a mailbox anew when it is absent or of an older generation; nil for a caller who is behind. */
const begin = `
local function begin(frames, meta, epoch)
  local generation = epoch and tonumber(string.match(epoch, '^%d+'))
  if generation and generation > tonumber(ARGV[1]) then return nil end
  local fresh = ARGV[1] .. '.' .. ARGV[2]
  redis.call('UNLINK', frames, meta)
  redis.call('HSET', meta, 'epoch', fresh, 'n', 0, 'trimmedTo', 0, 'bytes', 0, 'day', -1)
  redis.call('PEXPIRE', meta, ARGV[4])
  return fresh
end
`

/**
 * Appends to several mailboxes. KEYS: frames, meta, nodes of each. ARGV: generation, fresh epoch, now,
 * keepMs, maxFrames, maxBytes, onlyAway, then for each mailbox how many frames, and id and text of each.
 * Answers for each {epoch, places, nodes}: the place of the first frame when the rest follow it, else the
 * place of each; the registry's entries as they stand. {} stands for an erased user, and for one who is
 * connected when only those away are meant.
 */
export const appendScript = defineScript(`${begin}
local now, keepMs, maxFrames, maxBytes = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local today = string.format('%d', math.floor(now / 86400000))

-- Frames over the limits leave some at a time, so that not every append has to trim.
local function trim(frames, meta, n, trimmedTo, bytes, trimTo)
  local bytesTo = maxBytes
  if n - trimmedTo > maxFrames then trimTo = math.max(trimTo, n - maxFrames + math.min(64, maxFrames - 1)) end
  if bytes > maxBytes then bytesTo = maxBytes * 15 / 16 end
  while trimmedTo < n - 1 and (trimmedTo < trimTo or bytes > bytesTo) do
    local gone = {}
    for _, entry in ipairs(redis.call('XRANGE', frames, '-', '+', 'COUNT', 64)) do
      if trimmedTo >= n - 1 or (trimmedTo >= trimTo and bytes <= bytesTo) then break end
      trimmedTo = tonumber(string.match(entry[1], '^%d+'))
      bytes = bytes - #entry[2][2]
      gone[#gone + 1] = entry[2][1]
    end
    if #gone == 0 then break end
    redis.call('HDEL', meta, unpack(gone))
    redis.call('XTRIM', frames, 'MINID', (trimmedTo + 1) .. '-0')
  end
  return trimmedTo, bytes
end

-- A new day notes where it begins, has the keys live on, and answers up to where keepMs has passed.
local function turnDay(frames, meta, before, trimTo)
  redis.call('HSET', meta, 'day', today, 'day:' .. today, before)
  local oldest = today - math.ceil(keepMs / 86400000)
  for past = oldest, oldest - 14, -1 do
    local mark = redis.call('HGET', meta, 'day:' .. past)
    if mark then
      trimTo = math.max(trimTo, tonumber(mark))
      redis.call('HDEL', meta, 'day:' .. past)
    end
  end
  for _, key in ipairs({ frames, meta }) do redis.call('PEXPIRE', key, keepMs + 86400000) end
  return trimTo
end

local function isConnected(nodes)
  for i = 2, #nodes, 2 do
    if tonumber(string.match(nodes[i], '^%d+')) > now then return true end
  end
  return false
end

local function append(frames, meta, registry, from, to)
  local nodes = redis.call('HGETALL', registry)
  if ARGV[7] == '1' and isConnected(nodes) then return {} end
  local asked = { 'epoch', 'n', 'trimmedTo', 'bytes', 'day', 'gone' }
  for i = from, to, 2 do asked[#asked + 1] = ARGV[i] end
  local box = redis.call('HMGET', meta, unpack(asked))
  if box[6] then return {} end
  local epoch, n, trimmedTo, bytes, day = box[1], tonumber(box[2]), box[3], tonumber(box[4]), box[5]
  local known = {}
  if not epoch or string.find(epoch, ARGV[1] .. '.', 1, true) ~= 1 then
    epoch, n, trimmedTo, bytes, day = begin(frames, meta, epoch), 0, 0, 0, '-1'
    if not epoch then return nil end
  else
    for i = 7, #asked do known[asked[i]] = tonumber(box[i]) end
  end
  local before, places, noted = n, nil, {}
  for i = from, to, 2 do
    local id, text = ARGV[i], ARGV[i + 1]
    if not known[id] then
      n = n + 1
      bytes = bytes + #text
      known[id] = n
      noted[#noted + 1] = id
      noted[#noted + 1] = n
      redis.call('XADD', frames, n .. '-0', id, text)
      if places then places[#places + 1] = n end
    else
      -- A repeat: from here on each frame names its place.
      if not places then
        places = {}
        for place = before + 1, n do places[#places + 1] = place end
      end
      places[#places + 1] = known[id]
    end
  end
  local answer = #nodes > 0 and { epoch, places or (before + 1), nodes } or {}
  if n == before then return answer end
  redis.call('HSET', meta, 'n', n, 'bytes', bytes, unpack(noted))
  if day ~= today or n - trimmedTo > maxFrames or bytes > maxBytes then
    trimmedTo = tonumber(trimmedTo)
    local trimTo = day == today and trimmedTo or turnDay(frames, meta, before, trimmedTo)
    trimmedTo, bytes = trim(frames, meta, n, trimmedTo, bytes, trimTo)
    redis.call('HSET', meta, 'trimmedTo', trimmedTo, 'bytes', bytes)
  end
  return answer
end

local answers, at = {}, 8
for i = 1, #KEYS, 3 do
  local count = tonumber(ARGV[at])
  local answer = append(KEYS[i], KEYS[i + 1], KEYS[i + 2], at + 1, at + 2 * count)
  if not answer then return redis.error_reply('STALE') end
  answers[#answers + 1] = answer
  at = at + 2 * count + 1
end
return answers
`)

/**
 * KEYS: frames, meta, nodes. ARGV: generation, fresh epoch, now, keepMs, node or '', its entry, leaseMs.
 * Notes where the user is connected and answers {epoch, n, trimmedTo}, or {} for an erased user.
 */
export const openScript = defineScript(`${begin}
local meta = redis.call('HMGET', KEYS[2], 'epoch', 'n', 'trimmedTo', 'gone')
if meta[4] then return {} end
if not meta[1] or string.find(meta[1], ARGV[1] .. '.', 1, true) ~= 1 then
  meta = { begin(KEYS[1], KEYS[2], meta[1]), 0, 0 }
  if not meta[1] then return redis.error_reply('STALE') end
elseif redis.call('PTTL', KEYS[2]) < ARGV[4] - 3600000 then
  for i = 1, 2 do redis.call('PEXPIRE', KEYS[i], ARGV[4] + 86400000) end
end
if ARGV[5] ~= '' then
  redis.call('HSET', KEYS[3], ARGV[5], ARGV[6])
  redis.call('PEXPIRE', KEYS[3], ARGV[7])
end
return { meta[1], meta[2], meta[3] }
`)

/** KEYS: frames, meta. ARGV: epoch, n, count. Answers {epoch, n, trimmedTo, entries after n}, without entries when n is no place in it. */
export const readScript = defineScript(`
local meta = redis.call('HMGET', KEYS[2], 'epoch', 'n', 'trimmedTo')
local after = tonumber(ARGV[2])
if meta[1] ~= ARGV[1] or after < tonumber(meta[3]) or after > tonumber(meta[2]) then return meta end
meta[4] = redis.call('XRANGE', KEYS[1], (after + 1) .. '-0', '+', 'COUNT', ARGV[3])
return meta
`)

/** KEYS: frames, meta. ARGV: event ids. Takes single frames out of the mailbox; their places stay empty. */
export const removeScript = defineScript(`
for _, id in ipairs(ARGV) do
  local n = redis.call('HGET', KEYS[2], id)
  if n then
    local entry = redis.call('XRANGE', KEYS[1], n .. '-0', n .. '-0')[1]
    if entry then redis.call('HINCRBY', KEYS[2], 'bytes', -#entry[2][2]) end
    redis.call('XDEL', KEYS[1], n .. '-0')
    redis.call('HDEL', KEYS[2], id)
  end
end
`)

/** KEYS: frames, meta. Empties a mailbox; only a device that had not read to its end finds a gap. Runs when memory is short, too. */
export const emptyScript = defineScript(`#!lua flags=allow-oom
local fields, box = redis.call('HGETALL', KEYS[2]), {}
if #fields == 0 then return end
local left = redis.call('PTTL', KEYS[2])
for i = 1, #fields, 2 do
  local isEventId = #fields[i] == 36
  if not isEventId then
    box[#box + 1] = fields[i]
    box[#box + 1] = fields[i + 1]
  end
end
redis.call('UNLINK', KEYS[1], KEYS[2])
redis.call('HSET', KEYS[2], unpack(box))
local n = redis.call('HGET', KEYS[2], 'n')
if n then redis.call('HSET', KEYS[2], 'trimmedTo', n, 'bytes', 0) end
if left > 0 then redis.call('PEXPIRE', KEYS[2], left) end
`)

/** KEYS: frames, meta, nodes, seen. Removes an erased user's mailbox and keeps a mark, so that nothing late brings it back. */
export const eraseScript = defineScript(`#!lua flags=allow-oom
redis.call('UNLINK', unpack(KEYS))
redis.call('HSET', KEYS[2], 'gone', 1)
`)

/** KEYS: the count of all appends. ARGV: how many more. Runs when memory is short, too, for it takes none. */
export const countScript = defineScript(`#!lua flags=allow-oom
return redis.call('INCRBY', KEYS[1], ARGV[1])
`)
