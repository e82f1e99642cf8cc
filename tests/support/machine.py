"""Which of the tools that tests can use are on this machine. ``python -m tests.support.machine`` names the missing
ones.

PHONEBIND_HIDE="Chromium MariaDB" hides these two, to see which tests are skipped without them.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

#: A tool is present if one command of every row is present. The text is Debian's package.
_TOOLS: Mapping[str, tuple[str, list[list[str]]]] = {
    # The headless shell is the same browser without windows. It takes a third of the CPU.
    "Chromium": (
        "chromium-headless-shell",
        [["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome"]],
    ),
    "MariaDB": ("mariadb-server", [["mariadbd", "mysqld"], ["mariadb-install-db", "mysql_install_db"]]),
    "Node": ("nodejs, npm", [["node"], ["npm"]]),
    "nginx": ("nginx-light", [["nginx"]]),
    "systemd": ("systemd", [["systemd-analyze"]]),
}
_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
_NEWEST = [f"python3.{minor}" for minor in (13, 12)]


def commands(tool: str) -> list[str]:
    """The paths of a tool's commands, one for each row. Empty if one of them is missing or the tool is hidden."""
    rows = _TOOLS[tool][1]
    found = [next(filter(None, (shutil.which(name, path=_PATH) for name in row)), "") for row in rows]
    return found if all(found) and not _is_hidden(tool) else []


def newest_python() -> str:
    """A Python newer than 3.11 that can make virtual environments; "" without one."""
    return next(filter(_makes_environments, _pythons()), "")


def missing() -> list[str]:
    """The missing tools, in words."""
    tools = [f"{tool} (Debian: {package})" for tool, (package, _) in _TOOLS.items() if not commands(tool)]
    return tools if newest_python() else [*tools, "Python 3.12 or 3.13"]


def _is_hidden(name: str) -> bool:
    return name in os.environ.get("PHONEBIND_HIDE", "").split()


def _pythons() -> Iterator[str]:
    if _is_hidden("Python"):
        return
    command = shutil.which("pyenv")
    pyenv = (Path(command).parent.parent if command else Path.home() / ".pyenv") / "versions"
    for name in _NEWEST:
        yield from map(str, sorted(pyenv.glob(f"{name.removeprefix('python')}*/bin/{name}"), reverse=True))
        yield from filter(None, [shutil.which(name)])


def _makes_environments(python: str) -> bool:
    done = subprocess.run([python, "-c", "import ensurepip, venv"], capture_output=True, check=False)
    return not done.returncode


if __name__ == "__main__":
    print(", ".join(missing()))
