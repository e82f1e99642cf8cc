"""``install.py FILE``: installs a requirements file with this Python's pip, and prints its progress every few seconds.

pip itself is silent for a minute at a time, or prints more than people read. If it fails, its last lines are shown, and
its exit code is returned. A second argument is the number of seconds between two lines.
"""

import re
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable
from pathlib import Path

#: Seconds between two lines.
EVERY = 3.0
#: Lines of pip's output that are shown if it fails. The reason is at the end of the output.
LAST = 30
#: What pip prints once for each line of the file.
_FOUND = ("Collecting ", "Requirement already satisfied: ", "Ignoring ")


class Progress:
    """pip's output so far."""

    def __init__(self, packages: int) -> None:
        self._packages = packages
        self._begun = time.monotonic()
        self._found = 0
        self._writes = False
        self.last: deque[str] = deque(maxlen=LAST)

    def follow(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.last.append(line)
            self._found += line.startswith(_FOUND)
            self._writes = self._writes or line.startswith("Installing collected packages")

    def __str__(self) -> str:
        passed = time.monotonic() - self._begun
        found = min(self._found, self._packages)
        done = "all are here, pip writes them" if self._writes else f"{found} found"
        return f"  {passed:3.0f} s, {self._packages} packages: {done}"


def packages(file: Path) -> int:
    """The number of versions in the file and in the files that it includes."""
    text = file.read_text()
    included = re.findall(r"^-r (\S+)", text, re.MULTILINE)
    own = re.findall(r"^[\w.-]+==", text, re.MULTILINE)
    return len(own) + sum(packages(file.parent / name) for name in included)


def main(file: str, every: str = str(EVERY)) -> int:
    """pip's exit code."""
    progress = Progress(packages(Path(file)))
    command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar=off", "-r", file]
    with subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as pip:
        assert pip.stdout
        reader = threading.Thread(target=progress.follow, args=[pip.stdout])
        reader.start()
        while True:
            try:
                pip.wait(float(every))
                break
            except subprocess.TimeoutExpired:
                print(progress, flush=True)
        reader.join()
    if pip.returncode:
        print(f"pip could not install {file}:\n{''.join(progress.last)}", file=sys.stderr, end="")
    return pip.returncode


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
