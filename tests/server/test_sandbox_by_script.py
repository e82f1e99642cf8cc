"""The commands of docs/en/how-to/sandbox.md, typed into a shell beside the demo."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.documents import code, read
from tests.support.services import REQUIRE_ALL
from tests.support.site import serve

HERE = "http://127.0.0.1:8000"
SIGN_IN, COMPUTE = (block for block in code("how-to/sandbox", "sh") if "curl" in block)
[TURN] = re.findall(r"`(curl \S+/sandbox/faults\.json .*?)`", read("how-to/sandbox"))

pytestmark = pytest.mark.once


def typed(script: str, site: str, folder: Path) -> list[dict[str, object]]:
    """The JSON that curl prints."""
    if not shutil.which("curl"):
        (pytest.fail if REQUIRE_ALL else pytest.skip)("curl is not installed")
    script = script.replace(HERE, site)
    done = subprocess.run(["bash", "-euc", script], cwd=folder, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.replace("}{", "}\n{").splitlines()]


def test_a_whole_sign_in_and_a_switch(tmp_path: Path) -> None:
    with serve(tmp_path / "site") as site:
        sent, bound = typed(SIGN_IN, site, tmp_path)
        assert sent["message"] == "OK"
        assert (bound["username"], bound["next"]) == ("13900000001", "/cart.html")
        assert "token" in bound
        [switches] = typed(TURN, site, tmp_path)
        assert switches["token_error"] == 100016


def test_what_is_computed_in_place_of_the_image(tmp_path: Path) -> None:
    beginning = "\n".join(SIGN_IN.splitlines()[:2])
    with serve(tmp_path / "site", HUMAN_CHECK="altcha") as site:
        [sent] = typed(f"{beginning}\n{COMPUTE}", site, tmp_path)
        assert sent["message"] == "OK"
