"""``make hashes``: writes the SHA-256 of every file of each pinned version into the requirements files.

It takes every file that the index has, so that the same line installs on each platform and each Python. The index is
the one in pip's configuration, and is read through pip's own session. Its address is not written to any file.
"""

import re
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from pip._internal.commands import create_command
from pip._vendor.packaging import utils
from pip._vendor.packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
FILES = (
    "requirements/server.txt",
    "requirements/test.txt",
    "requirements/docs.txt",
    "requirements/oldest.txt",
    "requirements/newest.txt",
    "requirements/servers.txt",
    "requirements/oracles.txt",
    "requirements/oracles-build.txt",
    "requirements/mutants.txt",
    "bench/requirements.txt",
    "study/requirements.txt",
)
JSON = "application/vnd.pypi.simple.v1+json"

_PIN = re.compile(r"([\w.-]+)==([^\s;]+)")
_HASHES = re.compile(r"(?: *\\)?\n +--hash=\S+")

#: The files of a project in the index: names and hashes.
Files = list[dict[str, Any]]


def main() -> None:
    """Rewrite all of :data:`FILES`, or none if the index lacks a version."""
    # The command downloads nothing. It reads pip's configuration of index, certificates and proxies.
    command: Any = create_command("download")
    options, _ = command.parse_args([])
    with command.main_context():
        session = command.get_default_session(options)

        @cache
        def files_of(name: str) -> Files:
            url = f"{options.index_url.rstrip('/')}/{name}/"
            answer = session.get(url, headers={"Accept": JSON, "Cache-Control": "max-age=0"})
            answer.raise_for_status()
            files: Files = answer.json()["files"]
            return files

        rewritten = {ROOT / name: "".join(_rewritten((ROOT / name).read_text(), files_of)) for name in FILES}
    for path, text in rewritten.items():
        path.write_text(text)


def _rewritten(text: str, files_of: Callable[[str], Files]) -> Iterator[str]:
    for line in _HASHES.sub("", text).splitlines():
        yield line
        if pin := _PIN.match(line):
            hashes = _hashes(files_of(utils.canonicalize_name(pin[1])), Version(pin[2]))
            if not hashes:
                sys.exit(f"The index has no file of {pin[0]}.")
            yield "".join(f" \\\n    --hash=sha256:{digest}" for digest in hashes)
        yield "\n"


def _hashes(files: Files, version: Version) -> list[str]:
    return sorted(file["hashes"]["sha256"] for file in files if _version(file["filename"]) == version)


def _version(filename: str) -> Version | None:
    """None for a file that pip does not install."""
    try:
        wheel = filename.endswith(".whl")
        return utils.parse_wheel_filename(filename)[1] if wheel else utils.parse_sdist_filename(filename)[1]
    except ValueError:
        return None


if __name__ == "__main__":
    main()
