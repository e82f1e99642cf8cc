"""The site of documents, as ``make docs`` makes it."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.documents import ROOT


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built once. A warning, such as a link that leads nowhere, ends it."""
    made = tmp_path_factory.mktemp("site")
    # Whoever tries to load something has nothing to load it from.
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    environ = {**os.environ, **nowhere, "SITE": str(made)}
    done = subprocess.run(
        [ROOT / "scripts/docs"], env=environ, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return made
