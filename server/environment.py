"""Reads settings from the environment: the variable ``NAME``, or the content of the file that ``NAME_FILE`` names.

A wrong variable is noted, and its reader returns another value. :func:`refuse` reports all faults at once, after
everything was read.
"""

import json
import logging
import os
import re
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dj_database_url
from django.core.checks.security import base as security

#: Faults in the order in which they were found. A dict, since one variable may be read twice.
_faults: dict[str, None] = {}
_HINT = "docs/en/reference/variables.md describes every variable. DEBUG=1 starts with demo values."


def note(fault: str) -> None:
    """Note one line for the operator who starts the server. It must not contain a secret's value."""
    _faults[fault] = None


def refuse() -> None:
    """End the process with exit code 1 if there are faults. A traceback would hide what must be done."""
    if _faults:
        sys.exit("\n".join([*(f"phonebind: {fault}" for fault in _faults), _HINT]))


def _raw(name: str) -> str:
    """From a file, as containers get secrets: a list of processes or an inspection does not show its content."""
    file = os.environ.get(f"{name}_FILE")
    if not file:
        return os.environ.get(name, "")
    try:
        return Path(file).read_text("utf-8").strip()
    except (OSError, ValueError) as error:
        note(f"{name}_FILE cannot be read: {type(error).__name__}.")
        return ""


def text(name: str, default: str | None = None) -> str:
    """The variable, or the default if it is unset or empty. Without a default it is required."""
    value = _raw(name) or default
    if value is None:
        note(f"{name} is not set.")
    return value or ""


def flag(name: str, *, default: bool = False) -> bool:
    """``1``, ``true``, ``yes`` and ``on`` are true."""
    return os.environ.get(name, str(default)).lower() in {"1", "true", "yes", "on"}


def number(name: str, default: int, *, least: int = 0) -> int:
    """A whole number of at least ``least``."""
    try:
        value = int(_raw(name) or default)
    except ValueError:
        note(f"{name} is not a whole number: {_raw(name)!r}")
        return default
    if value < least:
        note(f"{name} must be {least} or more.")
    return max(value, least)


def words(name: str, default: str | None = "") -> list[str]:
    """A comma-separated list. If the default is None, the variable is required."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def options(name: str) -> dict[str, Any]:
    """A JSON object; empty if the variable is unset. Its values may be secrets: no error shows them."""
    try:
        value = json.loads(_raw(name) or "{}")
    except ValueError:
        value = None
    if not isinstance(value, dict):
        note(f"{name} is not a JSON object.")
        return {}
    return value


def word_or_options(name: str, default: str) -> str | dict[str, Any]:
    """A JSON object if the value begins with "{", otherwise a word."""
    value = text(name, default).strip()
    return options(name) if value.startswith("{") else value


def level(name: str, default: str) -> str:
    """A level of the logging module."""
    value = text(name, default)
    known = logging.getLevelNamesMapping()
    if value not in known:
        note(f"{name} is none of {', '.join(known)}: {value!r}")
    return value


def refuse_weak(name: str, key: str) -> None:
    """Note a key that Django's deploy check only warns of (security.W009). The fault does not show the key."""
    if not key:
        return  # an error that is already noted
    if key.startswith(security.SECRET_KEY_INSECURE_PREFIX):
        fault = f"begins with {security.SECRET_KEY_INSECURE_PREFIX}, as keys that were only meant for development do"
    elif len(key) < security.SECRET_KEY_MIN_LENGTH:
        fault = f"is too short: {security.SECRET_KEY_MIN_LENGTH} characters are the least"
    elif len(set(key)) < security.SECRET_KEY_MIN_UNIQUE_CHARACTERS:
        fault = f"has fewer than {security.SECRET_KEY_MIN_UNIQUE_CHARACTERS} different characters"
    else:
        return
    note(f"{name} {fault}. Make one: {_MAKE_A_KEY}")


_MAKE_A_KEY = "python3 -c 'import secrets; print(secrets.token_urlsafe(50))'"


def database(name: str, default: str, *, prepare: bool) -> dict[str, Any]:
    """The ``DATABASES`` entry for a URL, with the options that each database needs to work correctly under load.

    ``prepare``: False if a transaction may not know the prepared statements or cursors of the last one, for example
    behind a PgBouncer in transaction mode.
    """
    try:
        url = _no_password_astray(text(name, default))
        config: dict[str, Any] = dict(dj_database_url.parse(url, conn_max_age=60, conn_health_checks=True))
    except ValueError:
        # The URL is not shown: it contains the password.
        note(f"{name} is not the URL of a database, as postgres://user:password@host/name. {_ENCODE}")
        return {}
    config["OPTIONS"] = _DATABASE_OPTIONS.get(config["ENGINE"], {}) | config.get("OPTIONS", {})
    if config["ENGINE"] == "django.db.backends.sqlite3":
        config["ENGINE"] = "server.sqlite"
    if config["ENGINE"] == "django.db.backends.postgresql":
        # A pool, not one connection for each thread: PostgreSQL's default limit is 100 connections.
        config |= {"ENGINE": "server.postgres", "CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": False}
        if not prepare:
            config |= {"OPTIONS": config["OPTIONS"] | {"prepare_threshold": None}, "DISABLE_SERVER_SIDE_CURSORS": True}
    return config


_ENCODE = "In the password, write / as %2F, ? as %3F, # as %23, [ as %5B and ] as %5D."


def _no_password_astray(url: str) -> str:
    """The URL. Raises ValueError if a ``/``, ``?`` or ``#`` of the password ends the host too early: a part of the
    password would be the name of the host or of the database, which errors show.
    """
    parts = urlsplit(url)
    names = [field.partition("=")[0] for field in parts.query.split("&")]
    is_cut = ":" in parts.netloc and "@" not in parts.netloc and "@" in parts.path + parts.query
    if parts.netloc and (is_cut or re.search("@.*/", parts.path) or "@" in "".join([parts.fragment, *names])):
        raise ValueError
    return url


_DATABASE_OPTIONS: dict[str, dict[str, Any]] = {
    "django.db.backends.sqlite3": {
        # A transaction that reads first and then writes cannot wait for the lock. One that begins as a writer can.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    },
    "django.db.backends.postgresql": {
        # A crowd waits here: as many requests compute at once as there are connections. More would only slow each other
        # down. ``timeout``: seconds; a request that gets no connection by then is told to try again.
        # ``reconnect_timeout``: seconds; then the pool ends its own attempts, whose intervals double, and the next
        # request makes an attempt at once.
        "pool": {"min_size": 1, "max_size": 8, "num_workers": 1, "timeout": 5, "reconnect_timeout": 2},
        # Prepared once for each connection: planning a sign-in's statement takes longer than running it.
        "server_side_binding": True,
        "prepare_threshold": 2,
    },
    # MariaDB's default isolation level, repeatable read, hides the row that won a race for a unique key.
    "django.db.backends.mysql": {"charset": "utf8mb4", "isolation_level": "read committed"},
}
