"""make installs exactly what we have checked: each version is pinned, with the hashes of its files."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import phonebind_sandbox
from requirements import hashes, install

ROOT = Path(__file__).parent.parent
ONE, TWO, OTHER = (digit * 64 for digit in "123")


@pytest.mark.parametrize("name", hashes.FILES)
def test_every_line_is_pinned_by_hash_and_names_no_source(name: str) -> None:
    text = (ROOT / name).read_text()
    # With this option pip itself refuses a line without a hash.
    assert re.findall(r"^--.*", text, re.MULTILINE) == ["--require-hashes"]
    assert "://" not in text
    requirement = r"[\w.-]+==[\w.]+(; [a-z_]+ [=<]+ '[\w.]+')?( \\\n    --hash=sha256:[0-9a-f]{64})+"
    rest = re.sub(rf"^(#.*|-r [\w./]+|--require-hashes|{requirement})\n", "", text, flags=re.MULTILINE)
    assert rest == ""


def test_no_file_of_pinned_versions_is_left_out() -> None:
    listed = {str(path.relative_to(ROOT)) for path in ROOT.glob("*/*.txt") if "==" in path.read_text()}
    assert listed == set(hashes.FILES)


def test_the_hashes_are_those_of_all_files_of_the_version() -> None:
    def files_of(name: str) -> list[dict[str, Any]]:
        assert name == "a-b"
        return [
            {"filename": "A_b-1.0.tar.gz", "hashes": {"sha256": TWO}},
            {"filename": "a_b-1.0-cp313-cp313-musllinux_1_2_aarch64.whl", "hashes": {"sha256": ONE}},
            *(
                {"filename": filename, "hashes": {"sha256": OTHER}}
                for filename in ("a_b-1.0.1.tar.gz", "a_b-1.0rc1-py3-none-any.whl", "a_b-1.0-py2.7.egg", "a_b-1.0.exe")
            ),
        ]

    before = f"# why\n--require-hashes\n-r more.txt\nA.b==1.0; sys_platform == 'linux' \\\n    --hash=sha256:{OTHER}\n"
    line = "A.b==1.0; sys_platform == 'linux' \\\n"
    after = f"# why\n--require-hashes\n-r more.txt\n{line}    --hash=sha256:{ONE} \\\n    --hash=sha256:{TWO}\n"
    assert "".join(hashes._rewritten(before, files_of)) == after
    assert "".join(hashes._rewritten(after, files_of)) == after
    with pytest.raises(SystemExit, match=r"The index has no file of A.b==2"):
        "".join(hashes._rewritten("A.b==2\n", files_of))


# ---------------------------------------------------------------- requirements/install.py


def installed(file: Path, target: Path, every: str = "0.05") -> subprocess.CompletedProcess[str]:
    """With a real pip, which finds only the packages beside the file."""
    environment = {"PATH": os.environ["PATH"], "PIP_TARGET": str(target), "PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1"}
    command = [sys.executable, str(ROOT / "requirements/install.py"), str(file), every]
    return subprocess.run(command, cwd=file.parent, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.once
def test_an_install_says_how_far_it_is(tmp_path: Path) -> None:
    source = ROOT / "src/phonebind_sandbox"
    options = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation", "-w", str(tmp_path)]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, str(source)], check=True)
    file = tmp_path / "all.txt"
    file.write_text("-r more.txt\n--find-links .\n")
    ours = f"phonebind-sandbox=={phonebind_sandbox.__version__}"
    (tmp_path / "more.txt").write_text(f"{ours}\nnot-here==1; python_version < '3'\n")
    done = installed(file, tmp_path / "target")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "target/phonebind_sandbox/__init__.py").exists()
    lines = done.stdout.splitlines()
    assert len(lines) > 1
    assert all(re.fullmatch(r" +\d+ s, 2 packages: (\d found|all are here, pip writes them)", line) for line in lines)


@pytest.mark.once
def test_an_install_that_fails_says_why(tmp_path: Path) -> None:
    (tmp_path / "all.txt").write_text("not-here==1\n")
    done = installed(tmp_path / "all.txt", tmp_path / "target", "60")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "pip could not install" in done.stderr
    assert "No matching distribution found for not-here==1" in done.stderr


def test_what_is_counted_is_what_pip_is_given() -> None:
    own = {name: len(re.findall(r"^\S+==", (ROOT / name).read_text(), re.MULTILINE)) for name in hashes.FILES}
    assert install.packages(ROOT / "requirements/server.txt") == own["requirements/server.txt"] > 40
    all_three = sum(own[f"requirements/{name}.txt"] for name in ("server", "test", "docs"))
    assert install.packages(ROOT / "requirements/docs.txt") == all_three
    progress = install.Progress(2)
    progress.follow(["Collecting a==1\n", "  Downloading a\n", "Requirement already satisfied: b\n", "Collecting c\n"])
    assert str(progress) == "    0 s, 2 packages: 2 found"
    progress.follow(["Installing collected packages: a\n"])
    assert str(progress) == "    0 s, 2 packages: all are here, pip writes them"
