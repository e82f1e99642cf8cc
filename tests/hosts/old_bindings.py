"""The bindings of an older sign-in are imported, with every user model. ``contract`` runs this as one of its tests."""

import json
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection

from phonebind import conf
from phonebind.models import SocialAccount
from tests.hosts.settings import KIND

User: Any = get_user_model()
FIELD = conf.conf.mobile_field


def known(mobile: str) -> Any:
    extra: Any = getattr(import_module(f"tests.hosts.kinds.{KIND}"), "extra", lambda _: {})
    name = {"username": f"customer-{mobile}"} if User.USERNAME_FIELD == "username" else {}
    hyphens = f"{mobile[:3]}-{mobile[3:7]}-{mobile[7:]}"
    stored = {"hyphens": hyphens, "plus_86": f"+86{mobile}", "phone_number": f"+86{mobile}"}.get(KIND, mobile)
    user = User(**{FIELD: stored, **extra(mobile), **name})
    user.set_password("horse-staple-9")
    user.save()
    return user


def test_old_bindings_come_over(tmp_path: Path) -> None:
    if connection.vendor == "mysql":
        pytest.skip("a new table would end the test's transaction")
    users = [known(f"1390000000{number}") for number in range(3)]
    key = SocialAccount._meta.get_field("user").rel_db_type(connection)
    hides = any(field.name == "is_deleted" for field in User._meta.concrete_fields)
    if hides:
        User._base_manager.filter(pk=users[2].pk).update(is_deleted=True)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE tb_oauth_qq (id integer PRIMARY KEY, openid varchar(64), user_id {key})")
        for number, user in enumerate(users):
            held = User._meta.pk.get_db_prep_value(user.pk, connection)
            insert = "INSERT INTO tb_oauth_qq (id, openid, user_id) VALUES (%s, %s, %s)"
            cursor.execute(insert, [number, f"A{number}", held])
    report = tmp_path / "report.json"
    options = ["--table", "tb_oauth_qq", "--created-column", "", "--app-id", "101000001", "--report", str(report)]
    call_command("phonebind_import", *options, "--commit", stdout=StringIO())
    bound = dict(SocialAccount.objects.values_list("openid", "user_id"))
    assert bound == {f"A{number}": user.pk for number, user in enumerate(users)}
    told = json.loads(report.read_text())
    assert [finding["kind"] for finding in told["findings"]] == (["user_disabled"] if hides else [])
    assert "139000000" not in report.read_text()
    made_at = ["--made-at", told["made_at"]]
    call_command("phonebind_import", *options, "--reverse", "--commit", *made_at, stdout=StringIO())
    assert not SocialAccount.objects.exists()
