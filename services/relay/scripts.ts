import { defineScript } from './script.ts'

/** Reads and writes the field in which a mailbox's state stands. */
const box = `
local function readBox(text)
  local epoch, n, trimmedTo, bytes, day = string.match(text, '^(%S+) (%d+) (%d+) (%d+) (%d+)$')
  return epoch, tonumber(n), tonumber(trimmedTo), tonumber(bytes), tonumber(day)
end

local function writeBox(epoch, n, trimmedTo, bytes, day)
  return string.format('%s %d %d %d %d', epoch, n, trimmedTo, bytes, day)
end
`

/** Begins a mailbox anew when it is absent or of an older generation. ARGV[1] is the generation, ARGV[2] a fresh epoch. */
const begin = `${box}
-- Whether a box is of the generation that ARGV[1] names.
local prefix = ARGV[1] .. '.'
local function isPresent(text)
  return text and string.sub(text, 1, #prefix) == prefix
end

-- The new epoch; nil for a caller who is behind.
local function begin(frames, meta, text)
  local generation = text and tonumber(string.match(text, '^%d+'))
  if generation and generation > tonumber(ARGV[1]) then return nil end
  local fresh = prefix .. ARGV[2]
  redis.call('UNLINK', frames, meta)
  redis.call('HSET', meta, 'box', writeBox(fresh, 0, 0, 0, 0))
  redis.call('PEXPIRE', meta, ARGV[4])
  return fresh
end
`

/**
 * Appends to several mailboxes. KEYS: frames, meta, nodes of each. ARGV: generation, fresh epoch, now,
 * keepMs, maxFrames, maxBytes, onlyAway, then for each mailbox how many frames, and id and text of each, then how
 * many of them replace another, and the ids of both. What is replaced leaves the mailbox, its place stays empty, and
 * as long as the frame in its stead is there it cannot come back, however late or often it comes.
 * Answers for each {epoch, places, nodes}: the place of the first frame when the rest follow it, else the
 * place of each; the registry's entries as they stand. {} stands for an erased user, and for one who is
 * connected when only those away are meant.
 */
export const appendScript = defineScript(`${begin}
local now, keepMs, maxFrames, maxBytes = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local onlyAway = ARGV[7] == '1'
local today = math.floor(now / 86400000)

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
      gone[#gone + 1] = entry[2][3]
    end
    if #gone == 0 then break end
    redis.call('HDEL', meta, unpack(gone))
    redis.call('XTRIM', frames, 'MINID', (trimmedTo + 1) .. '-0')
  end
  return trimmedTo, bytes
end

-- A new day notes where it begins, for the first who comes to it, as clocks differ; it has the keys live on, and answers
-- up to where keepMs has passed.
local function turnDay(frames, meta, before, trimTo)
  redis.call('HSETNX', meta, 'day:' .. today, before)
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

-- The box, then the place of each event id that the mailbox knows.
local function look(meta, from, to)
  if from + 1 == to then return redis.call('HMGET', meta, 'box', ARGV[from]) end
  local asked = { 'box' }
  for i = from, to, 2 do asked[#asked + 1] = ARGV[i] end
  return redis.call('HMGET', meta, unpack(asked))
end

-- Takes a frame out of the stream, if it is there, and answers the bytes that are left.
local function remove(frames, meta, known, id, bytes)
  local place = known[id] or tonumber(redis.call('HGET', meta, id) or 0)
  if place == 0 then return bytes end
  local entry = redis.call('XRANGE', frames, place .. '-0', place .. '-0')[1]
  if not entry then return bytes end
  redis.call('XDEL', frames, place .. '-0')
  return bytes - #entry[2][2]
end

local function append(frames, meta, registry, from, to, replacing)
  local nodes = redis.call('HGETALL', registry)
  if onlyAway and isConnected(nodes) then return {} end
  local found = look(meta, from, to)
  local text = found[1]
  if text == 'gone' then return {} end
  local known, epoch, n, trimmedTo, bytes, day = {}, nil, 0, 0, 0, 0
  if isPresent(text) then
    epoch, n, trimmedTo, bytes, day = readBox(text)
    for i = from, to, 2 do known[ARGV[i]] = tonumber(found[(i - from) / 2 + 2] or nil) end
  else
    epoch = begin(frames, meta, text)
    if not epoch then return nil end
  end
  local before, places, changes = n, nil, { 'box', '' }
  for i = from, to, 2 do
    local id, text = ARGV[i], ARGV[i + 1]
    if not known[id] then
      n = n + 1
      bytes = bytes + #text
      known[id] = n
      changes[#changes + 1] = id
      changes[#changes + 1] = string.format('%d', n)
      local replaced = replacing and replacing[id]
      if replaced then
        bytes = remove(frames, meta, known, replaced, bytes)
        known[replaced] = 0
        changes[#changes + 1] = replaced
        changes[#changes + 1] = '0'
        redis.call('XADD', frames, string.format('%d-0', n), id, text, replaced, '')
      else
        redis.call('XADD', frames, string.format('%d-0', n), id, text)
      end
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
  changes[2] = writeBox(epoch, n, trimmedTo, bytes, today)
  redis.call('HSET', meta, unpack(changes))
  -- The first frame of a mailbox that was emptied today.
  if before == trimmedTo and day == today then redis.call('PEXPIRE', frames, keepMs + 86400000) end
  if day ~= today or n - trimmedTo > maxFrames or bytes > maxBytes then
    local trimTo = day == today and trimmedTo or turnDay(frames, meta, before, trimmedTo)
    trimmedTo, bytes = trim(frames, meta, n, trimmedTo, bytes, trimTo)
    redis.call('HSET', meta, 'box', writeBox(epoch, n, trimmedTo, bytes, today))
  end
  return answer
end

local answers, at = {}, 8
for i = 1, #KEYS, 3 do
  local last = at + 2 * tonumber(ARGV[at])
  local from, replacing = at + 1, nil
  at = last + 2 + 2 * tonumber(ARGV[last + 1])
  for pair = last + 2, at - 1, 2 do
    replacing = replacing or {}
    replacing[ARGV[pair]] = ARGV[pair + 1]
  end
  local answer = append(KEYS[i], KEYS[i + 1], KEYS[i + 2], from, last, replacing)
  if not answer then return redis.error_reply('STALE') end
  answers[#answers + 1] = answer
end
return answers
`)

/**
 * KEYS: frames, meta, nodes. ARGV: generation, fresh epoch, now, keepMs, node or '', its entry, leaseMs.
 * Notes where the user is connected and answers {epoch, n, trimmedTo}, or {} for an erased user.
 */
export const openScript = defineScript(`${begin}
local text = redis.call('HGET', KEYS[2], 'box')
if text == 'gone' then return {} end
local epoch, n, trimmedTo
if isPresent(text) then
  epoch, n, trimmedTo = readBox(text)
else
  epoch, n, trimmedTo = begin(KEYS[1], KEYS[2], text), 0, 0
  if not epoch then return redis.error_reply('STALE') end
end
if redis.call('PTTL', KEYS[2]) < ARGV[4] - 3600000 then
  for i = 1, 2 do redis.call('PEXPIRE', KEYS[i], ARGV[4] + 86400000) end
end
if ARGV[5] ~= '' then
  redis.call('HSET', KEYS[3], ARGV[5], ARGV[6])
  redis.call('PEXPIRE', KEYS[3], ARGV[7])
end
return { epoch, n, trimmedTo }
`)

/** KEYS: frames, meta. ARGV: epoch, n, count. Answers {epoch, n, trimmedTo, entries after n}, without entries when n is no place in it. */
export const readScript = defineScript(`${box}
local text = redis.call('HGET', KEYS[2], 'box')
if not text or text == 'gone' then return {} end
local epoch, n, trimmedTo = readBox(text)
local after = tonumber(ARGV[2])
if epoch ~= ARGV[1] or after < trimmedTo or after > n then return { epoch, n, trimmedTo } end
local first = string.format('%d-0', after + 1)
return { epoch, n, trimmedTo, redis.call('XRANGE', KEYS[1], first, '+', 'COUNT', ARGV[3]) }
`)

/** KEYS: frames, meta. ARGV: event ids. Takes single frames out of the mailbox; their places stay empty. */
export const removeScript = defineScript(`${box}
for _, id in ipairs(ARGV) do
  local place = redis.call('HGET', KEYS[2], id)
  if place then
    local epoch, n, trimmedTo, bytes, day = readBox(redis.call('HGET', KEYS[2], 'box'))
    local entry = redis.call('XRANGE', KEYS[1], place .. '-0', place .. '-0')[1]
    if entry then bytes = bytes - #entry[2][2] end
    redis.call('XDEL', KEYS[1], place .. '-0')
    redis.call('HDEL', KEYS[2], id)
    redis.call('HSET', KEYS[2], 'box', writeBox(epoch, n, trimmedTo, bytes, day))
  end
end
`)

/** KEYS: frames, meta. Empties a mailbox; only a device that had not read to its end finds a gap. Runs when memory is short, too. */
export const emptyScript = defineScript(`#!lua flags=allow-oom
${box}
local text, left = redis.call('HGET', KEYS[2], 'box'), redis.call('PTTL', KEYS[2])
if not text or text == 'gone' then return end
local epoch, n, _, _, day = readBox(text)
redis.call('UNLINK', KEYS[1], KEYS[2])
redis.call('HSET', KEYS[2], 'box', writeBox(epoch, n, n, 0, day))
if left > 0 then redis.call('PEXPIRE', KEYS[2], left) end
`)

/** KEYS: frames, meta, nodes, seen. Removes an erased user's mailbox and keeps a mark, so that nothing late brings it back. */
export const eraseScript = defineScript(`#!lua flags=allow-oom
redis.call('UNLINK', unpack(KEYS))
redis.call('HSET', KEYS[2], 'box', 'gone')
`)

/** KEYS: the count of all appends. ARGV: how many more. Runs when memory is short, too, for it takes none. */
export const countScript = defineScript(`#!lua flags=allow-oom
return redis.call('INCRBY', KEYS[1], ARGV[1])
`)
