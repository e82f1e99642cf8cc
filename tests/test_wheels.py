"""What is built: phonebind without its emulator, the emulator without phonebind, and a source to test both from."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import venv
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from zipfile import ZipFile

import django
import pytest
import requests

import phonebind
import phonebind_sandbox
from server.processes import spawn, stop

ROOT = Path(__file__).parent.parent
SANDBOX = ROOT / "src/phonebind_sandbox"
#: What a build leaves out of a package, and git as well.
CACHES = {"__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"}


def files_of(package: Path, *without: str) -> set[str]:
    """Those that a wheel has to carry, as it names them."""
    found = (path for path in package.rglob("*") if path.is_file() and not CACHES.intersection(path.parts))
    return {str(path.relative_to(package.parent)) for path in found if path.name not in without}


def build(source: Path, target: Path) -> Path:
    options = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check"]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, "-w", str(target), str(source)], check=True)
    [wheel] = target.glob("*.whl")
    return wheel


def packed(wheel: Path) -> set[str]:
    with ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def metadata(wheel: Path) -> Message:
    with ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return message_from_bytes(archive.read(name))


def unpacked(project: Path, target: Path) -> Path:
    """Its source distribution."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(target)]
    subprocess.run(command, cwd=project, check=True, capture_output=True)
    [archive] = target.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        opened.extractall(target, filter="data")
    return target / archive.name.removesuffix(".tar.gz")


@pytest.fixture(scope="module")
def sandbox_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(SANDBOX, tmp_path_factory.mktemp("sandbox"))


@pytest.fixture(scope="module")
def machine(sandbox_wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ``bin`` of an environment that has the sandbox's wheel and the packages that it depends on: no others."""
    environment = tmp_path_factory.mktemp("machine")
    venv.create(environment)
    [packages] = environment.glob("lib/python*/site-packages")
    installed = Path(django.__file__).parents[1]
    for name in ("django", "asgiref", "sqlparse"):
        (packages / name).symlink_to(installed / name)
    pip = [sys.executable, "-m", "pip", "--python", str(environment / "bin/python"), "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--quiet", "--no-deps", "--no-index", str(sandbox_wheel)], check=True)
    return environment / "bin"


@pytest.fixture(params=["script", "module"])
def alone(request: pytest.FixtureRequest, machine: Path, tmp_path: Path) -> Iterator[str]:
    """Its address, ending in a slash."""
    command = [str(machine / "phonebind-sandbox")]
    if request.param == "module":
        command = [str(machine / "python"), "-m", "phonebind_sandbox"]
    with spawn([*command, "--port=0"], cwd=tmp_path, env={}, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout
            said = re.search(r"runs on (\S+)", process.stdout.readline())
            assert said
            yield said[1]
        finally:
            stop(process)


def test_threat_22_production_carries_no_emulator(tmp_path: Path) -> None:
    wheel = packed(build(ROOT, tmp_path))
    assert wheel == files_of(Path(phonebind.__file__).parent)
    assert not [name for name in wheel if "phonebind_sandbox" in name]


def test_the_sandbox_is_all_there(sandbox_wheel: Path) -> None:
    beside = ("pyproject.toml", "about.md", "README.md", "README.zh-CN.md", "LICENSE")
    assert packed(sandbox_wheel) == files_of(SANDBOX, *beside)
    assert sandbox_wheel.name == f"phonebind_sandbox-{phonebind_sandbox.__version__}-py3-none-any.whl"
    assert (SANDBOX / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()


def test_its_source_builds_the_same(sandbox_wheel: Path, tmp_path: Path) -> None:
    source = unpacked(SANDBOX, tmp_path)
    assert packed(build(source, tmp_path / "wheel")) == packed(sandbox_wheel)


def test_it_runs_with_what_it_depends_on_and_nothing_else(alone: str, tmp_path: Path) -> None:
    assert "101000001" in requests.get(alone, timeout=10).text
    style = requests.get(f"{alone}static/phonebind_sandbox/sandbox.css", timeout=10)
    assert style.headers["Content-Type"] == "text/css"
    assert requests.post(f"{alone}sms/", json={"mobile": "13800000001", "text": "482913"}, timeout=10).ok
    assert requests.get(f"{alone}inbox.json", timeout=10).json()[0]["code"] == "482913"
    assert requests.post(f"{alone}altcha.json", json={}, timeout=10).status_code == 501
    assert list(tmp_path.iterdir()) == []  # its state is in memory


@pytest.mark.parametrize("project", [ROOT, SANDBOX], ids=["phonebind", "sandbox"])
def test_an_index_shows_no_link_that_leads_nowhere(project: Path, tmp_path: Path) -> None:
    told = metadata(build(project, tmp_path))
    described = told.get_payload(decode=True)
    assert isinstance(described, bytes)
    text = described.decode()
    assert told["Summary"]
    assert len(text) > 500
    links = re.findall(r"\]\(([^)]+)\)|\b(?:src|href)=[\"']?([^\"' >]+)|^\[[^\]]+\]:\s*(\S+)", text, re.MULTILINE)
    named = [line.partition(", ")[2] for line in told.get_all("Project-URL", [])]
    assert [link for group in links for link in (*group, *named) if link and not link.startswith("https://")] == []


@pytest.fixture
def tracked() -> list[str]:
    if not (ROOT / ".git").exists() or not shutil.which("git"):
        pytest.skip("no checkout, or no git to ask what is in it")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return listed.stdout.splitlines()


def test_the_source_is_all_that_is_tracked(tracked: list[str], tmp_path: Path) -> None:
    source = unpacked(ROOT, tmp_path)
    names = {str(path.relative_to(source)) for path in source.rglob("*") if path.is_file()}
    assert set(tracked) - names == set()
    assert {name for name in names if CACHES.intersection(Path(name).parts) or name.startswith(".venv")} == set()


@pytest.mark.once
def test_make_test_can_begin_in_the_source(tmp_path: Path) -> None:
    """With the packages that are here already; make only tells what it would do, which names every file it needs."""
    source = unpacked(ROOT, tmp_path)
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{source / 'src'}:{source}"}
    if shutil.which("make"):
        commands = _begin(["make", "-n", "test"], source, environment)
        assert "scripts/test" in commands
        assert "requirements/install.py requirements/docs.txt" in commands
    for script in re.findall(r"scripts/\w+", (source / "scripts/test").read_text()):
        assert os.access(source / script, os.X_OK)
    _begin([sys.executable, "-m", "ruff", "check", "--no-cache"], source, environment)
    passed = _begin(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_sms_texts.py"], source, environment
    )
    assert " passed" in passed


def _begin(command: list[str], source: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(command, cwd=source, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
