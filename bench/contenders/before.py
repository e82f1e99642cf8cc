"""phonebind from another checkout, BENCH_BEFORE. It shows what a change costs or saves compared with the old code.

git worktree add /tmp/before v0.2 && BENCH_BEFORE=/tmp/before make bench PARTS=before
"""

import os
from dataclasses import replace
from pathlib import Path

from bench.contenders import Site, phonebind

_ROOT = Path(os.environ["BENCH_BEFORE"]).resolve()


def environ(site: Site) -> dict[str, str]:
    return {**phonebind.environ(site), "PYTHONPATH": f"{_ROOT / 'src'}{os.pathsep}{_ROOT}"}


CONTENDER = replace(phonebind.CONTENDER, name="before", title="phonebind before", root=_ROOT, environ=environ)
