"""How ``limits`` counts in the store. Each script takes all of its keys in one atomic step.

A fixed window is one hash with ``taken``, and ``counted`` once the window runs. A sliding window is a hash of counters;
the name of a counter is the number of its span since 1970. Each key has three arguments: limit, milliseconds, width (0
for a fixed window).

Clouds that put a proxy before Redis read a script before they run it. They refuse any key that is not written as
``KEYS[1]``: no variable and no loop variable works. So there is one script for each number of keys, and the code for a
key is repeated for each key.
"""

import functools

from phonebind import store

# Returns the count of a window, the milliseconds until it is lower, and the counters that have expired.
_COUNTED = """
local now = tonumber(ARGV[1])
local function counted(fields, ttl, window, width)
  local total, wait, over = 0, 0, {}
  for j = 1, #fields, 2 do
    local name, number = fields[j], tonumber(fields[j + 1])
    if width == 0 then
      if name == 'taken' then
        total, wait = number, math.max(ttl, 0)
      end
    else
      local left = (tonumber(name) + 1) * width + window - now
      if left <= 0 then
        over[#over + 1] = name
      else
        total = total + number
        wait = wait == 0 and left or math.min(wait, left)
      end
    end
  end
  return total, wait, over
end
local function span(width)
  return string.format('%d', math.floor(now / width))
end
"""

# All keys or none. ARGV[2] is what to do with them: 'count', 'try' or 'look'. A try holds for ARGV[3] milliseconds.
_LOOK = """
do
  local limit, window, width = tonumber(ARGV[3 * $i + 1]), tonumber(ARGV[3 * $i + 2]), tonumber(ARGV[3 * $i + 3])
  local fields, ttl = redis.call('HGETALL', KEYS[$i]), redis.call('PTTL', KEYS[$i])
  local total, wait, over = counted(fields, ttl, window, width)
  if #over > 0 then
    redis.call('HDEL', KEYS[$i], unpack(over))
  end
  if total >= limit then
    return {$i, wait}
  end
  answer[$i + 2] = total + 1
end
"""
_TAKE = """
do
  local window, width = tonumber(ARGV[3 * $i + 2]), tonumber(ARGV[3 * $i + 3])
  if width > 0 then
    redis.call('HINCRBY', KEYS[$i], span(width), 1)
    redis.call('PEXPIRE', KEYS[$i], window + width)
  else
    redis.call('HINCRBY', KEYS[$i], 'taken', 1)
    if redis.call('HEXISTS', KEYS[$i], 'counted') == 0 then
      if ARGV[2] == 'count' then
        redis.call('HSET', KEYS[$i], 'counted', 1)
        redis.call('PEXPIRE', KEYS[$i], window)
      else
        redis.call('PEXPIRE', KEYS[$i], ARGV[3])
      end
    end
  end
end
"""

# Makes a try count. ARGV: the milliseconds of each key.
_COUNT = """
if redis.call('HSETNX', KEYS[$i], 'counted', 1) == 1 then
  redis.call('HSETNX', KEYS[$i], 'taken', 1)
  redis.call('PEXPIRE', KEYS[$i], ARGV[$i])
end
"""

# ARGV[1] is when the limit was taken; the width of each key follows. Giving back the last one deletes a fixed window:
# an act that did not count does not start a window.
_GIVE_BACK = """
do
  local width = tonumber(ARGV[$i + 1])
  local field = width > 0 and span(width) or 'taken'
  if tonumber(redis.call('HGET', KEYS[$i], field) or '0') > 1 then
    redis.call('HINCRBY', KEYS[$i], field, -1)
  elseif width > 0 then
    redis.call('HDEL', KEYS[$i], field)
  else
    redis.call('DEL', KEYS[$i])
  end
end
"""

#: ARGV: now, milliseconds, width. Returns the count of a sliding window, and that of its newest counter.
read = store.Script(
    _COUNTED
    + """
local width = tonumber(ARGV[3])
local total = counted(redis.call('HGETALL', KEYS[1]), 0, tonumber(ARGV[2]), width)
return {total, tonumber(redis.call('HGET', KEYS[1], span(width)) or '0')}
"""
)

#: ARGV: now, milliseconds, width. Returns the count of a window, and the milliseconds until it is lower.
state = store.Script(
    _COUNTED
    + """
local fields, ttl = redis.call('HGETALL', KEYS[1]), redis.call('PTTL', KEYS[1])
local total, wait = counted(fields, ttl, tonumber(ARGV[2]), tonumber(ARGV[3]))
return {total, wait}
"""
)


@functools.cache
def take(keys: int) -> store.Script:
    """Returns the number of the key that is used up, and the milliseconds until it is free. If none is used up: 0, 0,
    and the current count of each key.
    """
    looked = (
        f"{_COUNTED}local answer = {{0, 0}}\n{_each(_LOOK, keys)}if ARGV[2] == 'look' then\n  return {{0, 0}}\nend\n"
    )
    return store.Script(f"{looked}{_each(_TAKE, keys)}return answer\n")


@functools.cache
def count(keys: int) -> store.Script:
    return store.Script(_each(_COUNT, keys))


@functools.cache
def give_back(keys: int) -> store.Script:
    return store.Script(_COUNTED + _each(_GIVE_BACK, keys))


def _each(block: str, keys: int) -> str:
    """The block, repeated for each key; ``$i`` in it becomes the key's number."""
    return "".join(block.replace("$i", str(number)) for number in range(1, keys + 1))
