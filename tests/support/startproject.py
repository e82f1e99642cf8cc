"""A project as ``startproject`` makes it, with a shop's user model and the lines of the README appended."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.support.services import valkey_server

ROOT = Path(__file__).parents[2]

#: What an existing project has already: a user with a mobile.
EXISTING = {
    "shop/models.py": "from phonebind.models import MobileUser\n\nclass User(MobileUser):\n    pass\n",
    "shop/__init__.py": "",
    "shop/migrations/__init__.py": "",
}


def blocks(readme: str) -> list[str]:
    """The blocks of Python in it."""
    return re.findall(r"```python\n(.*?)```", (ROOT / readme).read_text(), re.DOTALL)


def start(project: Path) -> None:
    subprocess.run([sys.executable, "-m", "django", "startproject", "config", project], check=True)
    write(project, EXISTING)
    in_settings, in_urls, *_ = blocks("README.md")
    in_settings = in_settings.replace("redis://127.0.0.1:6379/0", valkey_server().url)
    append(project / "config/settings.py", f"INSTALLED_APPS += ['shop']\nAUTH_USER_MODEL = 'shop.User'\n{in_settings}")
    append(project / "config/urls.py", in_urls)


def write(project: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text)


def append(file: Path, text: str) -> None:
    with file.open("a") as opened:
        opened.write(text)


def run(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """``manage.py``, whatever comes of it."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "src")}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def manage(project: Path, *arguments: str) -> str:
    """What ``manage.py`` prints; it has to succeed."""
    done = run(project, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout
