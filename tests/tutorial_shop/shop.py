"""The shop of the course before its move, after it, and without the apps that go later: a copy, its commands, and the
guide's blocks pasted into it.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support.services import valkey_server
from tests.support.startproject import ROOT, Block, append, blocks_of, write

HERE = Path(__file__).parent
GUIDE = "docs/en/how-to/coming-from-the-tutorial.md"
#: QQ and the SMS gateway are fakes of ours.
EDGE = ("-p", "tests.support.edge")
FOR_THE_OLD = {"doubtful.py", "oauth/freeze.py", "users/links.py"}
#: The move; and what may follow on another day.
MOVE, LATER = (blocks_of(text) for text in re.split(r"^## 9\.", (ROOT / GUIDE).read_text(), flags=re.MULTILINE))


def before(project: Path) -> None:
    """As the course has it, and beside it what the guide says for the old shop."""
    shutil.copytree(HERE / "project", project, ignore=shutil.ignore_patterns("__pycache__"))
    write(project, {block.file: block.text for block in MOVE if block.file in FOR_THE_OLD})


def moved(project: Path) -> None:
    """The same with every other block: settings at the end of what is there, and whole files in place of the old."""
    before(project)
    _paste(project, MOVE)


def lean(project: Path) -> None:
    """What ``moved`` made, without what the guide removes later."""
    moved(project)
    _paste(project, LATER)
    [gone] = typed(LATER, "git rm -r")
    for name in gone.split():
        shutil.rmtree(project / name) if (project / name).is_dir() else (project / name).unlink()


@contextmanager
def sandbox(*arguments: str) -> Iterator[str]:
    """The command of the guide, on any free port. Its address ends in a slash."""
    command = [sys.executable, "-m", "phonebind_sandbox", "--port", "0", *arguments]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "src")}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            found = re.search(r"http://\S+", process.stdout.readline())
            assert found
            yield found[0]
        finally:
            process.terminate()


def _paste(project: Path, blocks: list[Block]) -> None:
    for block in blocks:
        if block.file == "shop/settings.py":
            append(project / block.file, f"\n{block.text}".replace("…", "from-the-console"))
        elif block.file and block.file not in FOR_THE_OLD:
            write(project, {block.file: block.text})


def statement() -> str:
    """By which the guide goes back."""
    [found] = [block.text for block in MOVE if block.language == "sql"]
    return found


def commands(program: str, part: list[Block] = MOVE) -> list[list[str]]:
    """``manage.py``'s arguments in the guide, of those that begin with this one."""
    return [f"{program} {rest}".split() for rest in typed(part, f"python manage.py {program}")]


def typed(part: list[Block], command: str) -> list[str]:
    """What follows a command, wherever it is to be typed."""
    text = "".join(block.text for block in part if block.language == "sh")
    return re.findall(rf"^{re.escape(command)}\b *(.*)$", text, re.MULTILINE)


def run(project: Path, *tests: str, settings: str = "shop.settings", plugins: Sequence[str] = EDGE) -> None:
    """Tests of ours in the shop's own process, with its own settings and none of our configuration of pytest."""
    for name in tests:
        shutil.copy(HERE / name, project)
    (project / "pytest.ini").write_text(f"[pytest]\nDJANGO_SETTINGS_MODULE = {settings}\n")
    environment = {
        "PATH": os.environ["PATH"],
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONPATH": os.pathsep.join(map(str, (project, ROOT / "src", ROOT))),
        "REDIS_URL": valkey_server().url,
        "SHOP_DATABASE": str(project.parent / "db.sqlite3"),
    }
    # Other plugins, which nothing there uses, take as long to load as Django.
    options = ["-q", "-W", "error", "-p", "pytest_django.plugin", *plugins]
    command = [sys.executable, "-m", "pytest", *options, *tests]
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stdout[-8000:] + done.stderr[-2000:]
