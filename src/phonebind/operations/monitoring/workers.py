"""Where several processes of one machine count together: files that prometheus-client maps into memory.

It decides when it is imported, by ``PROMETHEUS_MULTIPROC_DIR``: so nothing here imports it, and :func:`begin` comes
before Django is set up. In gunicorn's configuration::

    def on_starting(server):
        workers.begin(Path("/run/shop/metrics"))

    def child_exit(server, worker):
        workers.ended(worker.pid)

Whoever writes to a mapped page for which the disk has no room is killed by SIGBUS. So the files get all their blocks
when a process begins; one that gets none counts nothing, and answers all the same.
"""

import logging
import os
import re
import stat
import struct
from contextlib import suppress
from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
#: Bytes of each file, by the beginning of its name. There is room for every series that ``series`` allows.
SIZES = {"counter": 2**20, "histogram": 2**20, "gauge_mostrecent": 2**16, "gauge_livesum": 2**16}
#: What prometheus-client and we name ours. A database may lie beside them, called shop.db.
_COUNTED = re.compile(r"(counter|gauge_[a-z]+|histogram|summary)_[0-9]+\.(db|new)")

logger = logging.getLogger(__name__)


def begin(directory: Path) -> None:
    """Count in this directory, anew. Once, before the first worker and before Django is set up.

    It is made, or taken over with mode 0700: nobody else may write there, nor keep anything there. Raises OSError.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = directory.stat()
    if found.st_uid != os.geteuid() or found.st_mode & stat.S_ISVTX:
        raise PermissionError(f"{directory} is not ours alone")
    directory.chmod(0o700)
    for file in directory.iterdir():
        if _COUNTED.fullmatch(file.name):
            file.unlink(missing_ok=True)
    os.environ[VARIABLE] = str(directory)


def allocate() -> bool:
    """The files of this process, with room for all that it may ever count; False, and a line in the log, where there is
    none. Without the variable each process counts for itself, in memory.
    """
    if VARIABLE not in os.environ:
        return True
    try:
        for kind, size in SIZES.items():
            _allocate(Path(os.environ[VARIABLE]) / f"{kind}_{os.getpid()}.db", size)
    except OSError as error:
        logger.warning("This process counts nothing for the metrics: %s in %s", error.strerror, os.environ[VARIABLE])
        ended(os.getpid())  # others may have room in what it got and does not need
        return False
    return True


def _allocate(file: Path, size: int) -> None:
    """Under another name at first: whoever scrapes meanwhile cannot read a file without content. A file that is there
    is that of a process that had the same number, and goes on.
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
    """The process is no more: what it counted stays, what it had in use does not, and its files get as small as they
    can be.
    """
    if VARIABLE in os.environ:
        for file in Path(os.environ[VARIABLE]).glob(f"*_{pid}.db"):
            # As prometheus_client.multiprocess.mark_process_dead has it.
            with suppress(OSError):
                file.unlink() if file.name.startswith("gauge_live") else _shrink(file)


def _shrink(file: Path) -> None:
    with file.open("rb") as content:
        # The first number is how many bytes are in use; of a file that nobody has written to, none.
        (used,) = struct.unpack("i", content.read(4))
    os.truncate(file, max(used, 8))
