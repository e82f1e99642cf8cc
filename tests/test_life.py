"""A host that does not install ``phonebind.lifecycle`` or ``phonebind.operations`` loads none of their code.

The cost of requests without them: tests/api/test_edges.py; with them: tests/lifecycle/test_costs.py.
"""

import os
import subprocess
import sys
import uuid

import pytest
from django.test import Client

from tests.support.site import ROOT

#: Loads the whole core, by all the ways in which a site comes to load it.
LOADED = """
import sys
from importlib import import_module
from pathlib import Path
import django
django.setup()
from django.apps import apps
from django.core.management import call_command
import phonebind
call_command("check")
root = Path(phonebind.__file__).parent
for file in sorted(root.rglob("*.py")):
    name = file.relative_to(root.parent).with_suffix("").parts
    if name[1] not in ("lifecycle", "operations", "testing"):
        import_module(".".join(name).removesuffix(".__init__"))
wings = ("phonebind.lifecycle", "phonebind.operations")
print([model._meta.db_table for model in apps.get_models() if model.__module__.startswith(wings)])
print(sorted(name for name in sys.modules if name.startswith((*wings, "prometheus_client"))))
"""


def loaded(**environment: str) -> list[str]:
    """Another process loads the whole core. Returns what it has of the apps then: tables and modules."""
    environ = {**os.environ, "DJANGO_SETTINGS_MODULE": "server.settings", "DEBUG": "1", **environment}
    command = [sys.executable, "-c", LOADED]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    return done.stdout.splitlines()[-2:]


def test_who_does_not_install_them_loads_nothing_of_them() -> None:
    assert loaded(LIFECYCLE="0", OPERATIONS="0") == ["[]", "[]"]


def test_who_installs_them_does() -> None:
    tables, modules = loaded(LIFECYCLE="1", OPERATIONS="1")
    assert "phonebind_operations_securityevent" in tables
    assert "phonebind.operations.models" in modules
    assert "phonebind_lifecycle_session" in tables
    assert "phonebind.lifecycle.sessions" in modules


@pytest.mark.django_db
@pytest.mark.parametrize("purpose", ["sign_in", "reset_password", "nonsense"])
def test_without_it_codes_are_for_binds_alone(purpose: str) -> None:
    query = {"purpose": purpose, "image_code_id": str(uuid.uuid4()), "text": "ABCD"}
    answer = Client().get("/sms_codes/13900000001/", query)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["purpose"])
