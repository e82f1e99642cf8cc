"""The app for who runs the site, installed for these tests alone (``OPERATIONS=1``), as tests/lifecycle has its own."""

import pytest
from django.apps import apps

if not apps.is_installed("phonebind.operations"):
    # Folders and all: whatever imports its models makes Django look for their tables.
    collect_ignore_glob = ["*"]
else:
    from phonebind.operations.events import recording
    from phonebind.operations.events.tally import Tally
    from phonebind.operations.reports import sums

    @pytest.fixture(autouse=True)
    def _count_anew(monkeypatch: pytest.MonkeyPatch) -> None:
        """Nothing that another test has counted is written in this one."""
        monkeypatch.setattr(recording, "_tally", Tally())

    @pytest.fixture(autouse=True)
    def _read_anew() -> None:
        """Nothing that another test has read is shown in this one."""
        sums.forget()
