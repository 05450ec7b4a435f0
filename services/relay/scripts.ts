import { defineScript } from './script.ts'

/** Begins a mailbox anew when it is absent or of an older generation; refuses a caller who is behind. */
const renewGeneration = `
local function open(keys, generation, fresh)
  local meta = redis.call('HMGET', keys.meta, 'generation', 'epoch', 'n', 'trimmedTo', 'bytes', 'touchedAt', 'gone', 'day')
  if meta[7] then return nil, 'GONE' end
  if meta[1] and tonumber(meta[1]) > tonumber(generation) then return nil, 'STALE' end
  if meta[1] and tonumber(meta[1]) == tonumber(generation) then
    return { epoch = meta[2], n = tonumber(meta[3]), trimmedTo = tonumber(meta[4]), bytes = tonumber(meta[5]), touchedAt = tonumber(meta[6]), day = tonumber(meta[8] or -1) }
  end
  local epoch = generation .. '.' .. fresh
  redis.call('UNLINK', keys.frames, keys.ids, keys.meta)
  redis.call('HSET', keys.meta, 'generation', generation, 'epoch', epoch, 'n', 0, 'trimmedTo', 0, 'bytes', 0, 'touchedAt', 0)
  return { epoch = epoch, n = 0, trimmedTo = 0, bytes = 0, touchedAt = 0, day = -1 }
end

local function touch(keys, box, now, keepMs)
  if now - box.touchedAt < 3600000 then return end
  redis.call('HSET', keys.meta, 'touchedAt', now)
  redis.call('PEXPIRE', keys.meta, keepMs)
  redis.call('PEXPIRE', keys.frames, keepMs)
  redis.call('PEXPIRE', keys.ids, keepMs)
end

local keys = { frames = KEYS[1], meta = KEYS[2], ids = KEYS[3], nodes = KEYS[4] }
`

/**
 * KEYS: frames, meta, ids, nodes. ARGV: generation, fresh epoch, now, keepMs, maxFrames, maxBytes, onlyAway,
 * then id and text of each frame. Answers {epoch, {n of each frame}, {live nodes}}, {} for an erased user,
 * and for one who is connected when only those away are meant.
 */
export const appendScript = defineScript(`${renewGeneration}
local now, keepMs = tonumber(ARGV[3]), tonumber(ARGV[4])
local maxFrames, maxBytes = tonumber(ARGV[5]), tonumber(ARGV[6])
local live = {}
local nodes = redis.call('HGETALL', keys.nodes)
for i = 1, #nodes, 2 do
  if tonumber(string.match(nodes[i + 1], '^%d+')) > now then live[#live + 1] = nodes[i] end
end
if ARGV[7] == '1' and #live > 0 then return {} end
local box, refusal = open(keys, ARGV[1], ARGV[2])
if refusal == 'GONE' then return {} end
if refusal then return redis.error_reply(refusal) end
local before, wasEmpty = box.n, box.n == box.trimmedTo

local places = {}
for i = 8, #ARGV, 2 do
  if redis.call('HSETNX', keys.ids, ARGV[i], box.n + 1) == 1 then
    box.n = box.n + 1
    box.bytes = box.bytes + #ARGV[i + 1]
    redis.call('XADD', keys.frames, box.n .. '-0', ARGV[i], ARGV[i + 1])
    places[#places + 1] = box.n
  else
    places[#places + 1] = tonumber(redis.call('HGET', keys.ids, ARGV[i]))
  end
end
if box.n == before then return { box.epoch, places, live } end

-- A new day notes where it begins, and drops what the day before keepMs had brought.
local today, trimTo, bytesTo = math.floor(now / 86400000), box.trimmedTo, maxBytes
if box.day ~= today then
  redis.call('HSET', keys.meta, 'day', today, 'day:' .. today, before)
  local oldest = today - math.ceil(keepMs / 86400000)
  for day = oldest, oldest - 14, -1 do
    local mark = redis.call('HGET', keys.meta, 'day:' .. day)
    if mark then
      trimTo = math.max(trimTo, tonumber(mark))
      redis.call('HDEL', keys.meta, 'day:' .. day)
    end
  end
end
-- Frames over the limits leave some at a time, so that not every append has to trim.
if box.n - box.trimmedTo > maxFrames then trimTo = math.max(trimTo, box.n - maxFrames + math.min(64, maxFrames - 1)) end
if box.bytes > maxBytes then bytesTo = maxBytes * 15 / 16 end
while box.trimmedTo < box.n - 1 and (box.trimmedTo < trimTo or box.bytes > bytesTo) do
  local gone = {}
  for _, entry in ipairs(redis.call('XRANGE', keys.frames, '-', '+', 'COUNT', 64)) do
    if box.trimmedTo >= box.n - 1 or (box.trimmedTo >= trimTo and box.bytes <= bytesTo) then break end
    box.trimmedTo = tonumber(string.match(entry[1], '^%d+'))
    box.bytes = box.bytes - #entry[2][2]
    gone[#gone + 1] = entry[2][1]
  end
  if #gone == 0 then break end
  redis.call('HDEL', keys.ids, unpack(gone))
  redis.call('XTRIM', keys.frames, 'MINID', (box.trimmedTo + 1) .. '-0')
end
redis.call('HSET', keys.meta, 'n', box.n, 'trimmedTo', box.trimmedTo, 'bytes', box.bytes)
if wasEmpty then box.touchedAt = 0 end
touch(keys, box, now, keepMs)
return { box.epoch, places, live }
`)

/**
 * KEYS: frames, meta, ids, nodes. ARGV: generation, fresh epoch, now, keepMs, node or '', its entry, leaseMs.
 * Notes where the user is connected and answers {epoch, n, trimmedTo}, or {} for an erased user.
 */
export const openScript = defineScript(`${renewGeneration}
local box, refusal = open(keys, ARGV[1], ARGV[2])
if refusal == 'GONE' then return {} end
if refusal then return redis.error_reply(refusal) end
touch(keys, box, tonumber(ARGV[3]), tonumber(ARGV[4]))
if ARGV[5] ~= '' then
  redis.call('HSET', keys.nodes, ARGV[5], ARGV[6])
  redis.call('PEXPIRE', keys.nodes, ARGV[7])
end
return { box.epoch, box.n, box.trimmedTo }
`)

/** KEYS: frames, meta. ARGV: epoch, n, count. Answers {epoch, n, trimmedTo, entries after n}, without entries when n is no place in it. */
export const readScript = defineScript(`
local meta = redis.call('HMGET', KEYS[2], 'epoch', 'n', 'trimmedTo')
local after = tonumber(ARGV[2])
if meta[1] ~= ARGV[1] or after < tonumber(meta[3]) or after > tonumber(meta[2]) then return meta end
meta[4] = redis.call('XRANGE', KEYS[1], (after + 1) .. '-0', '+', 'COUNT', ARGV[3])
return meta
`)

/** KEYS: frames, meta, ids. ARGV: event ids. Takes single frames out of the mailbox; their places stay empty. */
export const removeScript = defineScript(`
for _, id in ipairs(ARGV) do
  local n = redis.call('HGET', KEYS[3], id)
  if n then
    local entry = redis.call('XRANGE', KEYS[1], n .. '-0', n .. '-0')[1]
    if entry then redis.call('HINCRBY', KEYS[2], 'bytes', -#entry[2][2]) end
    redis.call('XDEL', KEYS[1], n .. '-0')
    redis.call('HDEL', KEYS[3], id)
  end
end
`)

/** KEYS: frames, meta, ids. Empties a mailbox; only a device that had not read to its end finds a gap. Runs when memory is short, too. */
export const emptyScript = defineScript(`#!lua flags=allow-oom
local n = redis.call('HGET', KEYS[2], 'n')
if n then redis.call('HSET', KEYS[2], 'trimmedTo', n, 'bytes', 0) end
return redis.call('UNLINK', KEYS[1], KEYS[3])
`)

/** KEYS: frames, meta, ids, nodes, seen. Removes an erased user's mailbox and keeps a mark, so that nothing late brings it back. */
export const eraseScript = defineScript(`#!lua flags=allow-oom
redis.call('UNLINK', unpack(KEYS))
redis.call('HSET', KEYS[2], 'gone', 1)
`)

/** KEYS: the count of all appends. ARGV: how many more. Runs when memory is short, too, for it takes none. */
export const countScript = defineScript(`#!lua flags=allow-oom
return redis.call('INCRBY', KEYS[1], ARGV[1])
`)
