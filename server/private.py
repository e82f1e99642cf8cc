"""What other users of the machine shall not read: modes 0700 and 0600, whatever the umask and whatever stood before."""

import logging
import os
import stat
from contextlib import suppress
from functools import cache
from pathlib import Path

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def directory(path: Path) -> None:
    """Make it, or close one that is there. Raises OSError for one like /tmp, which is everybody's on purpose."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.stat().st_mode & stat.S_ISVTX:
        raise PermissionError(f"{path} is open to all users, by its sticky bit. Choose another DATA_DIR.")
    _close(path)


def file(path: Path) -> None:
    """Make it, empty, or close one that is there. Where neither can be, whoever opens it next says why."""
    with suppress(OSError):
        # Without opening it: where a process closes any file descriptor of a database, SQLite's locks on it are gone.
        os.mknod(path, stat.S_IFREG | 0o600)
    existing_file(path)


def existing_file(path: Path) -> None:
    """Close it, where it is there."""
    with suppress(OSError):
        _close(path)


def _close(path: Path) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & _OTHERS:
        try:
            path.chmod(mode & ~_OTHERS)
        except OSError:
            _tell(path)


@cache
def _tell(path: Path) -> None:
    logging.getLogger(__name__).warning("%s stays open to other users: its mode cannot be changed.", path)
