"""What make installs is what we looked at: each version is pinned, with the hashes of its files."""

import re
from pathlib import Path
from typing import Any

import pytest

from requirements import hashes

ROOT = Path(__file__).parent.parent
ONE, TWO, OTHER = (digit * 64 for digit in "123")


@pytest.mark.parametrize("name", hashes.FILES)
def test_every_line_is_pinned_by_hash_and_names_no_source(name: str) -> None:
    text = (ROOT / name).read_text()
    # pip itself refuses a line without a hash then.
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
