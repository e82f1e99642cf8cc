"""The scripts of ``phonebind.sms_codes``. Each one is one atomic step in the store.

All codes of a mobile are in one hash, ``KEYS[1]``. A code is stored by its digest. Its fields are ``until:…``
(milliseconds since 1970), ``for:…`` (the holder, "" for a code without one), ``by:…`` (who claimed it) and ``done:…``
(settled). ``tries:…`` counts the wrong guesses by holder. ``KEYS[2]``, where a script takes it, is the set of holders
that were sent a code lately. A script writes its keys as literals, since some clouds refuse anything else.
"""

from phonebind import store

#: Results of ``check``. GONE means wrong too, and that each code sent to the claimant is expired, burnt or dropped.
WRONG, RIGHT, GONE = range(3)
#: For the metrics: what happened to the codes that the guess might have matched. The order is that of the script.
ENDS = ("wrong", "right", "burnt", "expired")

# The time is ARGV[1] of every script.
_CODES = """
local now = tonumber(ARGV[1])
local function get(name, digest)
  return redis.call('HGET', KEYS[1], name .. ':' .. digest) or ''
end
local function is_live(digest)
  local ends = tonumber(get('until', digest))
  return ends ~= nil and ends > now
end
local function is_for(digest, claimant)
  local holder = get('for', digest)
  return holder == '' or holder == claimant
end
local function drop(digest)
  redis.call('HDEL', KEYS[1], 'until:' .. digest, 'for:' .. digest, 'by:' .. digest, 'done:' .. digest)
end
-- The live codes of a holder, the newest first; those that have expired are dropped.
local function codes_of(holder)
  local found, fields = {}, redis.call('HGETALL', KEYS[1])
  for i = 1, #fields, 2 do
    local digest = string.match(fields[i], '^until:(.*)$')
    if digest and not is_live(digest) then
      drop(digest)
    elseif digest and get('for', digest) == holder then
      found[#found + 1] = {tonumber(fields[i + 1]), digest}
    end
  end
  table.sort(found, function(a, b) return a[1] > b[1] end)
  return found
end
"""

# ARGV: now, digest, milliseconds, holder, milliseconds to remember. Returns 0 if a live code has the same digits.
add = store.Script(
    _CODES
    + """
if is_live(ARGV[2]) then
  return 0
end
drop(ARGV[2])
if #codes_of(ARGV[4]) == 0 then
  redis.call('HDEL', KEYS[1], 'tries:' .. ARGV[4])
end
local ends = string.format('%d', now + tonumber(ARGV[3]))
redis.call('HSET', KEYS[1], 'until:' .. ARGV[2], ends, 'for:' .. ARGV[2], ARGV[4])
if ARGV[4] ~= '' then
  redis.call('SADD', KEYS[2], ARGV[4])
  redis.call('PEXPIRE', KEYS[2], ARGV[5])
end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
"""
)

# ARGV: now, holder, how many codes stay.
keep_newest = store.Script(
    _CODES
    + """
for i, code in ipairs(codes_of(ARGV[2])) do
  if i > tonumber(ARGV[3]) then
    drop(code[2])
  end
end
"""
)

# ARGV: now, digest.
drop = store.Script(_CODES + "drop(ARGV[2])")

# ARGV: now, claimant, guesses, digests. A right guess matches a live code, or one that the same identity claimed
# before. A wrong guess counts for each code that it might have matched. GONE depends on the claimant's own codes alone.
# No other person can guess, burn or use those, so GONE tells nothing about other people.
check = store.Script(
    _CODES
    + """
for i = 4, #ARGV do
  if is_live(ARGV[i]) and is_for(ARGV[i], ARGV[2]) then
    local owner = get('by', ARGV[i])
    local right = (owner == '' or owner == ARGV[2]) and 1 or 0
    return {right, right}
  end
end
local ended = 3
for _, holder in ipairs({'', ARGV[2]}) do
  local codes = codes_of(holder)
  if #codes > 0 then
    ended = ended == 3 and 0 or ended
    if redis.call('HINCRBY', KEYS[1], 'tries:' .. holder, 1) >= tonumber(ARGV[3]) then
      ended = 2
      for _, code in ipairs(codes) do
        drop(code[2])
      end
    end
  end
end
if redis.call('SISMEMBER', KEYS[2], ARGV[2]) == 1 and #codes_of(ARGV[2]) == 0 then
  return {2, ended}
end
return {0, ended}
"""
)

# ARGV: now, claimant, digests. 0: gone, or claimed by another. 1: ours, open. 2: ours, settled by an earlier commit.
claim = store.Script(
    _CODES
    + """
for i = 3, #ARGV do
  if is_live(ARGV[i]) and is_for(ARGV[i], ARGV[2]) then
    local owner = get('by', ARGV[i])
    if owner == '' or owner == ARGV[2] then
      redis.call('HSET', KEYS[1], 'by:' .. ARGV[i], ARGV[2])
      return get('done', ARGV[i]) == '' and 1 or 2
    end
  end
end
return 0
"""
)

# ARGV: now, claimant, digests. The mobile is proved, so the other codes are not needed any more.
settle = store.Script(
    _CODES
    + """
for i = 3, #ARGV do
  if get('by', ARGV[i]) == ARGV[2] then
    redis.call('HSET', KEYS[1], 'done:' .. ARGV[i], 1)
    for _, holder in ipairs({'', ARGV[2]}) do
      for _, code in ipairs(codes_of(holder)) do
        if code[2] ~= ARGV[i] then
          drop(code[2])
        end
      end
    end
  end
end
"""
)
