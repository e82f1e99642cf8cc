"""The wheels: phonebind without its emulator, the emulator without phonebind, and the dependencies of each."""

import re
import subprocess
import sys
import venv
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

import pytest
import requests

import phonebind
import phonebind_sandbox
from requirements.sbom import document
from server.processes import spawn, stop
from tests.release.building import SANDBOX, metadata, packed, unpacked, wheel_of
from tests.support.tree import CACHES, ROOT


def files_of(package: Path, *without: str) -> set[str]:
    """The files that a wheel must contain, by their names in the wheel."""
    found = (path for path in package.rglob("*") if path.is_file() and not CACHES.intersection(path.parts))
    return {str(path.relative_to(package.parent)) for path in found if path.name not in without}


@pytest.fixture(scope="module")
def sandbox_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wheel_of(SANDBOX, tmp_path_factory.mktemp("sandbox"))


@pytest.fixture(scope="module")
def phonebind_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wheel_of(ROOT, tmp_path_factory.mktemp("phonebind"))


def environment_of(wheel: Path, place: Path) -> Path:
    """The ``bin`` of an environment with this wheel and only the packages that its SBOM marks as required."""
    venv.create(place)
    [packages] = place.glob("lib/python*/site-packages")
    needed = [each["name"] for each in document(wheel, made=0)["components"] if each["scope"] == "required"]
    for name in needed:
        installed = distribution(name)
        for top in {file.parts[0] for file in installed.files or []} - {"..", "__pycache__"}:
            (packages / top).symlink_to(str(installed.locate_file(top)))
    # All dependencies of the wheel must be installed here: there is no index to load them from.
    pip = [sys.executable, "-m", "pip", "--python", str(place / "bin/python"), "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--quiet", "--no-index", str(wheel)], check=True)
    return place / "bin"


@pytest.fixture(scope="module")
def machine(sandbox_wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return environment_of(sandbox_wheel, tmp_path_factory.mktemp("machine"))


@pytest.fixture(params=["script", "module"])
def alone(request: pytest.FixtureRequest, machine: Path, tmp_path: Path) -> Iterator[str]:
    """The address of the emulator, ending in a slash."""
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


def test_threat_22_production_carries_no_emulator(phonebind_wheel: Path) -> None:
    wheel = packed(phonebind_wheel)
    assert wheel == files_of(Path(phonebind.__file__).parent)
    assert not [name for name in wheel if "phonebind_sandbox" in name]


def test_the_sandbox_is_all_there(sandbox_wheel: Path) -> None:
    beside = ("pyproject.toml", "about.md", "README.md", "README.zh-CN.md", "LICENSE")
    assert packed(sandbox_wheel) == files_of(SANDBOX, *beside)
    assert sandbox_wheel.name == f"phonebind_sandbox-{phonebind_sandbox.__version__}-py3-none-any.whl"
    assert (SANDBOX / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()


def test_its_source_builds_the_same(sandbox_wheel: Path, tmp_path: Path) -> None:
    source = unpacked(SANDBOX, tmp_path)
    assert packed(wheel_of(source, tmp_path / "wheel")) == packed(sandbox_wheel)


#: A host with only the dependencies of the wheel.
HOST = """
import django
from django.conf import settings
from django.core.management import call_command
OURS = ["rest_framework", "phonebind", "phonebind.pages", "phonebind.lifecycle"]
settings.configure(
    SECRET_KEY="x" * 50,
    ROOT_URLCONF="phonebind.api.urls",
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", *OURS],
    CACHES={"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1/0"}},
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    PHONEBIND={"HUMAN_CHECK": {"check": "phonebind.human.base.Check"}},
)
django.setup()
call_command("migrate", verbosity=0)
import phonebind, phonebind.api.urls, phonebind.pages.urls
print(phonebind.__version__, phonebind.__file__)
"""


def test_a_host_runs_with_what_it_depends_on_and_nothing_else(phonebind_wheel: Path, tmp_path: Path) -> None:
    python = environment_of(phonebind_wheel, tmp_path / "machine") / "python"
    command = [str(python), "-W", "error", "-c", HOST]
    done = subprocess.run(command, env={}, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    version, file = done.stdout.split()
    assert version == phonebind.__version__
    assert file.startswith(str(tmp_path))


def test_it_runs_with_what_it_depends_on_and_nothing_else(alone: str, tmp_path: Path) -> None:
    assert "101000001" in requests.get(alone, timeout=10).text
    style = requests.get(f"{alone}static/phonebind_sandbox/sandbox.css", timeout=10)
    assert style.headers["Content-Type"] == "text/css"
    assert requests.post(f"{alone}sms/", json={"mobile": "13800000001", "text": "482913"}, timeout=10).ok
    assert requests.get(f"{alone}inbox.json", timeout=10).json()[0]["code"] == "482913"
    assert requests.post(f"{alone}altcha.json", json={}, timeout=10).status_code == 501
    assert list(tmp_path.iterdir()) == []  # its state is in memory


@pytest.mark.parametrize("wheel", ["phonebind_wheel", "sandbox_wheel"])
def test_an_index_shows_no_link_that_leads_nowhere(wheel: str, request: pytest.FixtureRequest) -> None:
    told = metadata(request.getfixturevalue(wheel))
    described = told.get_payload(decode=True)
    assert isinstance(described, bytes)
    text = described.decode()
    assert told["Summary"]
    assert len(text) > 500
    links = re.findall(r"\]\(([^)]+)\)|\b(?:src|href)=[\"']?([^\"' >]+)|^\[[^\]]+\]:\s*(\S+)", text, re.MULTILINE)
    named = [line.partition(", ")[2] for line in told.get_all("Project-URL", [])]
    assert [link for group in links for link in (*group, *named) if link and not link.startswith("https://")] == []
