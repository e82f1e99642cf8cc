"""Counts of several processes of one machine, in files that prometheus-client maps into memory.

prometheus-client reads ``PROMETHEUS_MULTIPROC_DIR`` when it is imported. So nothing in this module imports it, and
:func:`begin` must be called before Django is set up. In gunicorn's configuration::

    def on_starting(server):
        workers.begin(Path("/run/shop/metrics"))

    def child_exit(server, worker):
        workers.ended(worker.pid)

If a process writes to a mapped page and the disk is full, the process is killed by SIGBUS. So all disk blocks of the
files are allocated when a process starts. A process that gets no blocks counts nothing, and still answers requests.
"""

import logging
import os
import re
import stat
import struct
from contextlib import suppress
from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
#: Bytes of each file, by the prefix of its name. There is room for every series that ``series`` allows.
SIZES = {"counter": 2**20, "histogram": 2**20, "gauge_mostrecent": 2**16, "gauge_livesum": 2**16}
#: The file names of prometheus-client, and ours. The directory may also contain a database, such as shop.db.
_COUNTED = re.compile(r"(counter|gauge_[a-z]+|histogram|summary)_[0-9]+\.(db|new)")

logger = logging.getLogger(__name__)


def begin(directory: Path) -> None:
    """Count in this directory, from zero. Call it once, before the first worker starts and before Django is set up.

    The directory is created, or taken over and set to mode 0700. No other user may write there. A directory of another
    user, or with the sticky bit, is refused. Raises OSError.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = directory.stat()
    if found.st_uid != os.geteuid() or found.st_mode & stat.S_ISVTX:
        raise PermissionError(f"{directory} must belong to this user only")
    directory.chmod(0o700)
    for file in directory.iterdir():
        if _COUNTED.fullmatch(file.name):
            file.unlink(missing_ok=True)
    os.environ[VARIABLE] = str(directory)


def allocate() -> bool:
    """Create the files of this process, with room for all series. Returns False and logs a warning if the disk has no
    room.

    Without the environment variable, each process counts alone in memory.
    """
    if VARIABLE not in os.environ:
        return True
    try:
        for kind, size in SIZES.items():
            _allocate(Path(os.environ[VARIABLE]) / f"{kind}_{os.getpid()}.db", size)
    except OSError as error:
        logger.warning("This process does not count for the metrics: %s in %s", error.strerror, os.environ[VARIABLE])
        ended(os.getpid())  # free the blocks of a partial allocation for other processes
        return False
    return True


def _allocate(file: Path, size: int) -> None:
    """Allocate one file. It has another name at first: a scrape at the same time could not read an empty file.

    If the file exists, an earlier process had the same id. Its counts continue.
    """
    made = file if file.exists() else file.with_suffix(".new")
    number = os.open(made, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.posix_fallocate(number, 0, size)
        made.rename(file)
    except OSError:
        if made != file:
            made.unlink(missing_ok=True)
        raise
    finally:
        os.close(number)


def ended(pid: int) -> None:
    """Clean up after a process. Its counts stay, its live gauges are removed, and its files are truncated to the
    bytes in use.
    """
    if VARIABLE in os.environ:
        for file in Path(os.environ[VARIABLE]).glob(f"*_{pid}.db"):
            # The same as prometheus_client.multiprocess.mark_process_dead.
            with suppress(OSError):
                file.unlink() if file.name.startswith("gauge_live") else _shrink(file)


def _shrink(file: Path) -> None:
    with file.open("rb") as content:
        # The first number is how many bytes are in use. It is 0 if the process wrote nothing.
        (used,) = struct.unpack("i", content.read(4))
    os.truncate(file, max(used, 8))
