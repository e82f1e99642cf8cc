"""The reference server's settings, with the services that tests.support.services has started."""

import os

os.environ.setdefault("DEBUG", "1")  # the sandbox is mounted; pytest-django itself turns DEBUG off
os.environ.setdefault("LIFECYCLE", "0")  # an app that hosts switch on: tests/lifecycle test it
os.environ.setdefault("OPERATIONS", "0")  # likewise: tests/operations test it

if os.environ.get("DATABASE_URL", "").startswith("mysql"):
    import pymysql

    pymysql.install_as_MySQLdb()

from server.settings import *  # noqa: F403
from server.settings import DATABASES, PHONEBIND

PHONEBIND["NUMBER_STATE"] = {}  # the demo asks its sandbox about numbers over HTTP; these tests ask no network

if DATABASES["default"]["ENGINE"].endswith("sqlite"):
    # A file, as in production: an in-memory database of SQLite has no second connection that waits for its turn.
    DATABASES["default"]["TEST"] = {"NAME": f"{DATABASES['default']['NAME']}.test"}

PASSWORD_HASHERS = ["tests.support.hashers.Argon2id", "tests.support.hashers.Pbkdf2"]

STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # noqa: F405 - without it WhiteNoise warns that there are no files
# Otherwise WhiteNoise looks at every static file for each Client() that a test makes: 10 ms.
WHITENOISE_AUTOREFRESH = True
