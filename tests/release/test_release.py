"""``make release``: what it builds, and what it refuses."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from email import message_from_string
from pathlib import Path
from typing import Any

import pytest

import phonebind
from requirements import sbom
from tests.support import tree

pytestmark = pytest.mark.skipif(not tree.is_checkout(), reason="a release is made of a commit")

VERSION = phonebind.__version__
BUILT = {
    f"{name}-{VERSION}{kind}"
    for name in ("phonebind", "phonebind_sandbox")
    for kind in ("-py3-none-any.whl", ".tar.gz", ".cdx.json")
}


def clone(place: Path) -> Path:
    """The last commit, in a new clone."""
    git("clone", "--quiet", str(tree.ROOT), str(place))
    return place


def git(*arguments: str, at: Path = tree.ROOT) -> None:
    who = ["-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "safe.directory=*"]
    subprocess.run(["git", *who, *arguments], cwd=at, check=True, capture_output=True)


def release(checkout: Path, *, umask: int = 0o22) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {"PATH": path, "HOME": os.environ.get("HOME", "/")}
    command = [checkout / "scripts/release"]
    return subprocess.run(command, env=environment, cwd="/", umask=umask, capture_output=True, text=True, check=False)


def refused(checkout: Path) -> str:
    done = release(checkout)
    assert done.returncode == 1, done.stdout + done.stderr
    assert not (checkout / "dist").exists()
    return done.stderr


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clone(tmp_path_factory.mktemp("one") / "clone")


@pytest.fixture(scope="module")
def dist(checkout: Path) -> Path:
    done = release(checkout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("PASSED") == 4  # from twine, which checks wheels and sources
    return checkout / "dist"


def test_it_builds_all_that_is_published_with_its_hashes(dist: Path) -> None:
    lines = [line.split() for line in (dist / "SHA256SUMS").read_text().splitlines()]
    assert {name for _, name in lines} == BUILT
    assert {path.name for path in dist.iterdir()} == BUILT | {"SHA256SUMS"}
    assert all(hashlib.sha256((dist / name).read_bytes()).hexdigest() == digest for digest, name in lines)


def test_the_same_commit_gives_the_same_bytes_elsewhere(dist: Path, tmp_path: Path) -> None:
    """In another directory, at a later time, with another umask."""
    elsewhere = clone(tmp_path / "a clone of somebody else")
    assert release(elsewhere, umask=0o77).returncode == 0
    assert (elsewhere / "dist/SHA256SUMS").read_text() == (dist / "SHA256SUMS").read_text()


def test_threat_22_a_file_that_git_ignores_is_not_published(dist: Path, tmp_path: Path) -> None:
    """Git ignores it by a rule of this machine, which hatch does not know."""
    checkout = clone(tmp_path / "clone")
    (checkout / ".git/info/exclude").write_text("*.secret\n")
    for place in (".", "server", "deploy", "src/phonebind", "src/phonebind_sandbox"):
        (checkout / place / "keys.secret").write_text("SECRET_KEY=1\n")
    assert release(checkout).returncode == 0
    assert (checkout / "dist/SHA256SUMS").read_text() == (dist / "SHA256SUMS").read_text()


def test_it_refuses_what_is_not_committed(tmp_path: Path) -> None:
    checkout = clone(tmp_path / "clone")
    (checkout / "notes.txt").write_text("not yet\n")
    assert "not committed" in refused(checkout)


def test_it_refuses_a_copy_that_git_does_not_know(tmp_path: Path) -> None:
    checkout = clone(tmp_path / "clone")
    shutil.rmtree(checkout / ".git")
    assert "made in a git checkout" in refused(checkout)


@pytest.mark.parametrize("changelog", ["CHANGELOG.md", "CHANGELOG.zh-CN.md"])
def test_it_refuses_a_version_that_no_changelog_tells_of(changelog: str, tmp_path: Path) -> None:
    checkout = clone(tmp_path / "clone")
    text = (checkout / changelog).read_text()
    (checkout / changelog).write_text(re.sub(r"^(## \[\d.*\]) - .*$", r"\1", text, flags=re.MULTILINE))
    git("commit", "--quiet", "-am", "Take the date away", at=checkout)
    assert f"{changelog} has no entry for {VERSION}" in refused(checkout)


def test_it_refuses_two_versions(tmp_path: Path) -> None:
    checkout = clone(tmp_path / "clone")
    (checkout / "src/phonebind_sandbox/__init__.py").write_text('__version__ = "0.0.1"\n')
    git("commit", "--quiet", "-am", "Forget the sandbox", at=checkout)
    assert "different versions" in refused(checkout)


# ---------------------------------------------------------------- SBOM


@pytest.mark.parametrize(
    ("name", "required"),
    [
        ("phonebind", {"django", "djangorestframework", "djangorestframework-simplejwt", "redis"}),
        ("phonebind_sandbox", {"django"}),
    ],
)
def test_the_sbom_names_what_the_wheel_needs(dist: Path, name: str, required: set[str]) -> None:
    bom = json.loads((dist / f"{name}-{VERSION}.cdx.json").read_text())
    wheel = dist / f"{name}-{VERSION}-py3-none-any.whl"
    about = bom["metadata"]["component"]
    assert (about["name"], about["version"]) == (name.replace("_", "-"), VERSION)
    assert about["hashes"] == [{"alg": "SHA-256", "content": hashlib.sha256(wheel.read_bytes()).hexdigest()}]
    assert bom["serialNumber"].startswith("urn:uuid:")
    refs = {each["bom-ref"] for each in bom["components"]} | {about["bom-ref"]}
    needs = {each["ref"]: set(each["dependsOn"]) for each in bom["dependencies"]}
    assert needs.keys() == refs == set().union({about["bom-ref"]}, *needs.values())
    scopes = {each["name"]: each["scope"] for each in bom["components"]}
    assert {each for each in required if scopes[each] == "required"} == required
    assert scopes["cryptography"] == "optional"
    assert "pytest" not in scopes
    assert [each["name"] for each in bom["components"] if not each.get("licenses")] == []


def test_a_package_brings_the_packages_that_it_needs_with_their_extras() -> None:
    asked = {
        "site": ["a>=1", "b[fast]; extra == 'more'", "site[rest]; extra == 'more'", "d; extra == 'rest'"],
        "a": ["Not_Here; sys_platform == 'nowhere'"],
        "b": ["c; extra == 'fast'", "never; extra == 'slow'"],
    }

    def requires(name: str) -> Iterable[str]:
        return asked.get(name, [])

    assert sbom.graph("site", [""], requires) == {"site": {"a"}, "a": set()}
    more = {"site": {"a", "b", "d"}, "a": set(), "b": {"c"}, "c": set(), "d": set()}
    assert sbom.graph("site", ["", "more"], requires) == more


def test_a_version_that_the_tests_do_not_run_with_is_refused() -> None:
    with pytest.raises(SystemExit, match=r"Django 5\S+ is installed, and 1\.0 is pinned"):
        sbom._installed("Django", {"Django": "1.0"})


@pytest.mark.parametrize(
    ("told", "licences"),
    [
        ("License-Expression: MIT\nLicense: ignored\n", [{"expression": "MIT"}]),
        (
            "License: ignored\nClassifier: License :: OSI Approved :: BSD License\n",
            [{"license": {"name": "BSD License"}}],
        ),
        ("License: BSD-3-Clause\nClassifier: Topic :: X\n", [{"license": {"name": "BSD-3-Clause"}}]),
        ("License: all of\n  its text\n", []),
        ("Name: x\n", []),
    ],
)
def test_a_licence_is_named_as_the_package_names_it(told: str, licences: list[dict[str, Any]]) -> None:
    assert sbom._licences(message_from_string(told)) == licences
