"""The settings of the bare DRF view."""

from bench.contenders.bare_drf.settings import *  # noqa: F403

ROOT_URLCONF = "bench.contenders.limit_in_drf.urls"
