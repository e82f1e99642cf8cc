"""Builds the two distributions with the packages that are installed here: pip asks no index."""

import subprocess
import sys
import tarfile
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from zipfile import ZipFile

from tests.support.tree import ROOT

SANDBOX = ROOT / "src/phonebind_sandbox"


def wheel_of(source: Path, target: Path) -> Path:
    options = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check"]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, "-w", str(target), str(source)], check=True)
    [wheel] = target.glob("*.whl")
    return wheel


def packed(wheel: Path) -> set[str]:
    """The files of the package, without the metadata for pip."""
    with ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def metadata(wheel: Path) -> Message:
    with ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return message_from_bytes(archive.read(name))


def unpacked(project: Path, target: Path) -> Path:
    """The unpacked source distribution of a project."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(target)]
    subprocess.run(command, cwd=project, check=True, capture_output=True)
    [archive] = target.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        opened.extractall(target, filter="data")
    return target / archive.name.removesuffix(".tar.gz")
