"""``python -m bench.profiled REQUESTS``: the reference server answers these requests in this process, under cProfile.

No web server and no other thread takes part. Prints where the time went.
"""

import cProfile
import gc
import os
import pickle
import pstats
import re
import sys
from pathlib import Path
from typing import Any

from bench.contenders import Request
from bench.wsgi import answer

TOP = 12
_BUILT_IN = re.compile(
    r"<(?:built-in )?method (?:builtins\.)?(?P<name>[\w.]+)|<method '(?P<method>\w+)' of '(?P<type>[\w.]+)'"
)


def name_of(function: tuple[str, int, str]) -> str:
    """``module.py:function``, or the name of a built-in function."""
    file, _, name = function
    if file != "~":
        parts = Path(file).parts[-2:]
        return f"{'/'.join(parts)}:{name}"
    found = _BUILT_IN.match(name)
    if not found:
        # Methods that a class inherits from C have the name of the class that hides them.
        return name.strip("<>{}").partition(" at 0x")[0]
    return found["name"] or f"{found['type']}.{found['method']}"


def main(file: Path) -> None:
    from server.wsgi import application  # noqa: PLC0415 - it reads the environment

    requests: list[Request] = pickle.loads(file.read_bytes())  # noqa: S301 - written by the bench itself
    warm_up = len(requests) // 4
    for number, request in enumerate(requests[:warm_up]):
        answer(application, request, number)
    # Otherwise a garbage collection of all imported objects would be charged to the function in which it happens.
    gc.collect()
    gc.freeze()
    profile = cProfile.Profile()
    profile.enable()
    for number, request in enumerate(requests[warm_up:]):
        answer(application, request, warm_up + number)
    profile.disable()
    count = len(requests) - warm_up
    stats: Any = pstats.Stats(profile)
    print(f"{stats.total_tt / count * 1e6:6.0f} µs and {stats.total_calls / count:4.0f} calls a request, of which")
    entries = sorted(stats.stats.items(), key=lambda entry: -entry[1][2])
    for function, (_, calls, own, *_) in entries[:TOP]:
        print(f"{own / count * 1e6:6.0f} µs in {calls / count:6.1f} × {name_of(function)}")
    sys.stdout.flush()
    # Do not wait for the threads of the pool.
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
