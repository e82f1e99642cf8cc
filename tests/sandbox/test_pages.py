import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

import phonebind_sandbox
from phonebind_sandbox import conf, pages
from phonebind_sandbox.conf import apps
from phonebind_sandbox.pages import PROVIDERS
from phonebind_sandbox.people import PEOPLE


def test_image_codes_have_an_address_where_there_are_any(client: Client, form: str) -> None:
    page = client.get(reverse("phonebind_sandbox:index")).content.decode()
    assert ("/image_codes/" in page) is (form == "mounted")


def test_the_front_door_shows_people_apps_and_addresses(client: Client) -> None:
    page = unescape(client.get(reverse("phonebind_sandbox:index")).content.decode())
    for app in apps().values():
        assert app.client_id in page
        assert app.secret in page
    for person in PEOPLE.values():
        assert person.nickname in page
        assert person.openid(apps()["101000001"]) in page
    assert "http://testserver" + reverse("phonebind_sandbox:sms") in page
    assert "http://testserver" + reverse("phonebind_sandbox:index") + "qq<" in page


def test_the_front_door_lists_every_app_below_its_provider(client: Client) -> None:
    """Each exactly once. Without this test, an app of a kind that no provider lists could be missing."""
    page = unescape(client.get(reverse("phonebind_sandbox:index")).content.decode())
    kinds = [kind for provider in PROVIDERS for kind in provider.kinds]
    assert sorted(kinds) == sorted({app.kind for app in apps().values()})
    for provider in PROVIDERS:
        section = page.partition(f"<h3>{provider.zh} ")[2].partition("<h3>")[0].partition("<h2>")[0]
        assert f"<code>http://testserver{reverse('phonebind_sandbox:index')}{provider.path}</code>" in section
        listed = re.findall(r"<dt><code>(\S+)</code>", section)
        assert listed == [app.client_id for app in apps().values() if app.kind in provider.kinds]


def test_ids_are_shown_where_they_are_the_providers_own(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "PROVIDERS", [replace(PROVIDERS[0], ids=None)])
    page = client.get(reverse("phonebind_sandbox:index")).content.decode()
    assert PEOPLE["sam"].en in page
    assert PEOPLE["sam"].openid(apps()["101000001"]) not in page


def test_the_front_door_shows_every_sms_vendor(client: Client) -> None:
    page = unescape(client.get(reverse("phonebind_sandbox:index")).content.decode())
    for name in ("aliyun", "aliyun_pnvs", "tencent_sms", "http"):
        assert f"<code>http://testserver{reverse(f'phonebind_sandbox:{name}')}</code>" in page
    assert f"<code>http://testserver{reverse('phonebind_sandbox:index')}yuntongxun</code>" in page
    secrets = (conf.ALIYUN_SECRETS, conf.CLOUD_SECRETS, conf.YUNTONGXUN_TOKENS)
    for pair in (pair for known in secrets for pair in known.items()):
        assert " / ".join(pair) in page
    assert conf.HTTP_SMS_SECRET in page


def test_it_has_one_name_in_chinese() -> None:
    package = Path(phonebind_sandbox.__file__).parent
    files = [path for suffix in ("html", "js", "md") for path in package.rglob(f"*.{suffix}")]
    assert any("沙箱" in path.read_text() for path in files)
    assert [path for path in files if "沙盒" in path.read_text()] == []
