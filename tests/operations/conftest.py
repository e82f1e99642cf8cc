"""The app for site operators. It is installed for these tests alone (``OPERATIONS=1``), as tests/lifecycle installs
its app.
"""

import pytest
from django.apps import apps

if not apps.is_installed("phonebind.operations"):
    # Skip the folders too: an import of the app's models makes Django look for their tables.
    collect_ignore_glob = ["*"]
else:
    from phonebind.operations.events import recording
    from phonebind.operations.events.tally import Tally
    from phonebind.operations.reports import sums

    @pytest.fixture(autouse=True)
    def _count_anew(monkeypatch: pytest.MonkeyPatch) -> None:
        """A new tally for each test: no count of another test is written here."""
        monkeypatch.setattr(recording, "_tally", Tally())

    @pytest.fixture(autouse=True)
    def _read_anew() -> None:
        """An empty cache for each test: no sums of another test are shown here."""
        sums.forget()
