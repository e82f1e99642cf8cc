"""``python -m tests.public`` writes down what is public: one file for each surface, beside this one.

A line that is removed or changed breaks users: the major version goes up (docs/en/reference/versions.md). A new line is
something new: the minor version goes up. ``--print`` prints everything as JSON instead.
"""

import json
import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
#: The demo of the reference server: all apps are installed, it needs no secret, and it asks no database.
DEMO = {"DJANGO_SETTINGS_MODULE": "server.settings", "DEBUG": "1", "DATABASE_URL": "sqlite://:memory:"}
DEMO |= dict.fromkeys(("LIFECYCLE", "OPERATIONS", "SANDBOX"), "1")


def surfaces() -> dict[str, list[str]]:
    """The surfaces by their names, which are also the names of the files."""
    from tests.public import code, http, site  # noqa: PLC0415 - they need Django's settings

    found = {
        "http": http.contract(),
        "urls": http.urls(),
        "webhooks": http.webhooks(),
        "settings": code.settings(),
        "errors": code.errors(),
        "signals": code.signals(),
        "checks": code.checks(),
        "python": code.python(),
        "audit": code.audit_records(),
        "extras": code.extras(),
        "tables": code.tables(),
        "templates": site.templates(),
        "styles": site.styles(),
        "commands": (*site.commands(), *site.exits()),
        "variables": site.variables(),
        "metrics": site.metric_names(),
        "sandbox": (*http.sandbox_urls(), *site.switches()),
    }
    return {name: sorted(set(lines)) for name, lines in found.items()}


def main() -> None:
    os.environ.update(DEMO)
    import django  # noqa: PLC0415

    django.setup()
    found = surfaces()
    if "--print" in sys.argv:
        sys.stdout.write(json.dumps(found))
        return
    for name, lines in found.items():
        (HERE / f"{name}.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
