import { defineScript } from './script.ts'

/**
 * Reads and writes the field in which a mailbox's state stands, as MessagePack: numbers written out would take Lua five
 * times as long to read. Of a mailbox that is not there nothing is read, nor of one that an older version has written
 * out, which so begins anew.
 */
const box = `
local function readBox(packed)
  if packed and string.byte(packed) > 127 then return cmsgpack.unpack(packed) end
end

local function writeBox(epoch, n, trimmedTo, bytes, day)
  return cmsgpack.pack(epoch, n, trimmedTo, bytes, day)
end
`

/** Begins a mailbox anew when it is absent or of an older generation. ARGV[1] is the generation, ARGV[2] a fresh epoch. */
const begin = `${box}
-- Whether a mailbox of this epoch is there and of the generation that ARGV[1] names.
local prefix = ARGV[1] .. '.'
local function isPresent(epoch)
  return epoch and string.sub(epoch, 1, #prefix) == prefix
end

-- The new epoch, after that of the mailbox as it is, if there is one; nil for a caller who is behind.
local function begin(frames, meta, epoch)
  local generation = epoch and tonumber(string.match(epoch, '^%d+'))
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
 * keepMs, maxFrames, maxBytes, onlyAway, how many frames there are, of each its id, text and the id of the frame that it
 * replaces or '', then for each mailbox how many of the frames it gets, and where among the arguments they stand. What is
 * replaced leaves the mailbox, its place stays empty, and as long as the frame in its stead is there it cannot come back,
 * however late or often it comes.
 * Answers a text for each: the epoch, the places of the frames, parted by commas, and the registry's entries as they
 * stand, each on a line of its own: Redis converts nothing as cheaply. '' stands for one who is not connected or erased, and for one who is connected when only those away are meant.
 */
export const appendScript = defineScript(`${begin}
local call, format, concat = redis.call, string.format, table.concat
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

-- The box, then the place of each frame that the mailbox knows.
local function look(meta, positions)
  if #positions == 1 then return call('HMGET', meta, 'box', ARGV[positions[1]]) end
  local asked = { 'box' }
  for i, at in ipairs(positions) do asked[i + 1] = ARGV[at] end
  return call('HMGET', meta, unpack(asked))
end

-- Takes a frame out of the stream, if it is there, and answers the bytes that are left.
local function remove(frames, meta, known, id, bytes)
  local place = known[id] or call('HGET', meta, id) or '0'
  if place == '0' then return bytes end
  local entry = redis.call('XRANGE', frames, place .. '-0', place .. '-0')[1]
  if not entry then return bytes end
  redis.call('XDEL', frames, place .. '-0')
  return bytes - #entry[2][2]
end

-- The positions say where among the arguments the frames stand.
local function append(frames, meta, registry, positions)
  local nodes = call('HGETALL', registry)
  if onlyAway and isConnected(nodes) then return '' end
  local found = look(meta, positions)
  if found[1] == 'gone' then return '' end
  local epoch, n, trimmedTo, bytes, day = readBox(found[1])
  -- Places are texts all the way, for Redis takes and gives no others.
  local known = {}
  if isPresent(epoch) then
    for i, at in ipairs(positions) do known[ARGV[at]] = found[i + 1] or nil end
  else
    epoch, n, trimmedTo, bytes, day = begin(frames, meta, epoch), 0, 0, 0, 0
    if not epoch then return nil end
  end
  local before, places, changes = n, {}, { 'box', '' }
  for i, at in ipairs(positions) do
    local id, text, replaced = ARGV[at], ARGV[at + 1], ARGV[at + 2]
    if not known[id] then
      n = n + 1
      bytes = bytes + #text
      local place = format('%d', n)
      known[id] = place
      changes[#changes + 1] = id
      changes[#changes + 1] = place
      if replaced == '' then
        call('XADD', frames, place .. '-0', id, text)
      else
        bytes = remove(frames, meta, known, replaced, bytes)
        known[replaced] = '0'
        changes[#changes + 1] = replaced
        changes[#changes + 1] = '0'
        call('XADD', frames, place .. '-0', id, text, replaced, '')
      end
    end
    places[i] = known[id]
  end
  local answer = ''
  if #nodes > 0 then
    answer = epoch .. '\\n' .. concat(places, ',') .. '\\n' .. concat(nodes, '\\n')
  end
  if n == before then return answer end
  changes[2] = writeBox(epoch, n, trimmedTo, bytes, today)
  call('HSET', meta, unpack(changes))
  -- The first frame of a mailbox that was emptied today.
  if before == trimmedTo and day == today then call('PEXPIRE', frames, keepMs + 86400000) end
  if day ~= today or n - trimmedTo > maxFrames or bytes > maxBytes then
    local trimTo = day == today and trimmedTo or turnDay(frames, meta, before, trimmedTo)
    trimmedTo, bytes = trim(frames, meta, n, trimmedTo, bytes, trimTo)
    call('HSET', meta, 'box', writeBox(epoch, n, trimmedTo, bytes, today))
  end
  return answer
end

local answers, at = {}, 9 + 3 * tonumber(ARGV[8])
for i = 1, #KEYS, 3 do
  local last, positions = at + tonumber(ARGV[at]), {}
  for place = at + 1, last do positions[place - at] = tonumber(ARGV[place]) end
  local answer = append(KEYS[i], KEYS[i + 1], KEYS[i + 2], positions)
  if not answer then return redis.error_reply('STALE') end
  answers[#answers + 1] = answer
  at = last + 1
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
local epoch, n, trimmedTo = readBox(text)
if not isPresent(epoch) then
  epoch, n, trimmedTo = begin(KEYS[1], KEYS[2], epoch), 0, 0
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

/** KEYS: meta. Answers what a mailbox's frames take, in bytes. */
export const sizeScript = defineScript(`#!lua flags=no-writes
${box}
local text = redis.call('HGET', KEYS[1], 'box')
if text == 'gone' then return 0 end
local epoch, n, trimmedTo, bytes = readBox(text)
return bytes or 0
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

/**
 * KEYS: the generation, how many appends the database has noted. ARGV: both as they were noted. Runs when memory is
 * short, too. Another generation has a count of its own.
 */
export const noteScript = defineScript(`#!lua flags=allow-oom
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return end
if tonumber(redis.call('GET', KEYS[2]) or 0) < tonumber(ARGV[2]) then redis.call('SET', KEYS[2], ARGV[2]) end
`)
