"""The reference server as a host has it whose front end asks at other paths too."""

from server.settings import *  # noqa: F403

ROOT_URLCONF = "tests.support.aliased_urls"
