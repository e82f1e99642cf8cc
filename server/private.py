"""Files that other users of the machine must not read: modes 0700 and 0600, whatever the umask and the old mode are."""

import logging
import os
import stat
from contextlib import suppress
from functools import cache
from pathlib import Path

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def directory(path: Path) -> None:
    """Make the directory, or close an existing one to others. Raises OSError for one like /tmp, which is shared."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.stat().st_mode & stat.S_ISVTX:
        raise PermissionError(f"{path} is open to all users, by its sticky bit. Choose another DATA_DIR.")
    _close(path)


def file(path: Path) -> None:
    """Make an empty file, or close an existing one to others. If both fail, the code that opens it gets the error."""
    with suppress(OSError):
        # Not open(): SQLite's locks on a database are lost when the process closes any file descriptor of it.
        os.mknod(path, stat.S_IFREG | 0o600)
    existing_file(path)


def existing_file(path: Path) -> None:
    """Close the file to others, if it exists."""
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
