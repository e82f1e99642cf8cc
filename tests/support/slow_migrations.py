"""A node that is slow once it has begun to migrate, so that a test can kill it there."""

import os
import sys
import time
from typing import Any

from django.db.models.signals import pre_migrate

from tests.settings import *  # noqa: F403


def _take_time(**kwargs: Any) -> None:
    print("migrates, and takes its time", file=sys.stderr, flush=True)  # noqa: T201
    time.sleep(float(os.environ["PHONEBIND_TEST_PAUSE"]))


pre_migrate.connect(_take_time)
