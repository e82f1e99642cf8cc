"""How ``limits`` counts in the store: each script takes all of its keys in one step.

A fixed window is one hash: ``taken``, and ``counted`` once it runs. A sliding one is a hash of counters, each named by
the number of its span since 1970. Each key has three arguments: limit, milliseconds, width (0 for a fixed one).

Clouds that put a proxy before their Redis read a script before they run it, and refuse a key that is not written as
``KEYS[1]``: no variable will do, that of a loop neither. So there is one script for each number of keys, and what it
does to each key is written out as many times.
"""

import functools

from phonebind import store

# How many were taken of one window, the milliseconds until there will be fewer, and the counters that are over.
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

# All or none of the keys, and nothing in between. ARGV[2] is what is done with them: 'count', 'try' or 'look'. What is
# tried holds for ARGV[3] milliseconds.
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

# What was tried counts. ARGV: milliseconds, for each key.
_COUNT = """
if redis.call('HSETNX', KEYS[$i], 'counted', 1) == 1 then
  redis.call('HSETNX', KEYS[$i], 'taken', 1)
  redis.call('PEXPIRE', KEYS[$i], ARGV[$i])
end
"""

# ARGV[1] is when it was taken, and then comes the width for each key. The last one takes a fixed window with it: what
# did not count has not started one either.
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

#: ARGV: now, milliseconds, width. How many were counted in a sliding window, and in its newest counter.
read = store.Script(
    _COUNTED
    + """
local width = tonumber(ARGV[3])
local total = counted(redis.call('HGETALL', KEYS[1]), 0, tonumber(ARGV[2]), width)
return {total, tonumber(redis.call('HGET', KEYS[1], span(width)) or '0')}
"""
)

#: ARGV: now, milliseconds, width. How many were counted in a window, and the milliseconds until there will be fewer.
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
    """The number of the key that is used up, and the milliseconds until it will not be. Where none is: 0, 0, and how
    many of each key are taken now.
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
    """The block, once for each key; ``$i`` in it is the key's number."""
    return "".join(block.replace("$i", str(number)) for number in range(1, keys + 1))
