"""The files of the project: those that git tracks, or all files in an unpacked source distribution."""

import subprocess
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: Directories that a build leaves out, and git too.
CACHES = {"__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".import_linter_cache"}
#: Made by make, below the root. A name with a slash lies deeper.
MADE = {".venv", ".corners", ".oracles", ".data", ".coverage", ".hypothesis", "dist", "site", "mutants"}
MADE |= {"study/.venv", "study/blind", "bench/.venv", "bench/contenders/better_auth/node_modules"}
MADE |= {f"examples/vue_shop/frontend/{name}" for name in ("node_modules", "dist")}


def is_checkout() -> bool:
    """False in a source distribution."""
    return (ROOT / ".git").exists()


def files(*patterns: str) -> list[str]:
    """Their names below the root, such as ``src/phonebind/conf.py``: all files, or those that fit one of the
    patterns.
    """
    names = _tracked() if is_checkout() else _lying()
    found = sorted(name for name in names if (ROOT / name).is_file())
    return [name for name in found if not patterns or any(fnmatch(name, pattern) for pattern in patterns)]


def _tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return listed.stdout.splitlines()


def _lying() -> list[str]:
    paths = (path.relative_to(ROOT) for path in ROOT.rglob("*"))
    return [str(path) for path in paths if not CACHES.intersection(path.parts) and not _is_made(path)]


def _is_made(path: Path) -> bool:
    return str(path) == "PKG-INFO" or bool(MADE.intersection(map(str, (path, *path.parents))))
