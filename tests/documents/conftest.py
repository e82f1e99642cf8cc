"""The documentation site, as ``make docs`` builds it."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.documents import ROOT


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built once. A warning ends the build, such as a link to a missing page."""
    made = tmp_path_factory.mktemp("site")
    # A build step that tries to download something reaches no server.
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    environ = {**os.environ, **nowhere, "SITE": str(made)}
    done = subprocess.run(
        [ROOT / "scripts/docs"], env=environ, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return made
