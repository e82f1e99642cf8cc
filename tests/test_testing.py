"""``phonebind.testing``, for hosts' tests: they use the product itself, and afterwards nothing has changed."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

import pytest
import redis
from django.conf import settings as django_settings
from django.contrib.auth import get_user_model
from django.test import Client, utils
from pytest_django import Settings

from phonebind import human, oauth, signals
from phonebind.conf import conf
from phonebind.exceptions import StorageUnavailable
from phonebind.models import SocialAccount
from phonebind.testing import FakeQQ, Person
from phonebind.testing.edge import Outbox, Presence
from server.processes import Valkey
from tests.support.edge import Configure, phonebind
from tests.support.services import valkey_server

__all__ = ["phonebind"]

MOBILE = "13900000001"
PASSWORD = "horse-staple-9"


def make_user(**fields: Any) -> Any:
    return get_user_model()._default_manager.create_user(username=MOBILE, mobile=MOBILE, **fields)


@pytest.mark.django_db
def test_somebody_new_binds_and_then_comes_straight_in(client: Client) -> None:
    with FakeQQ() as qq:
        person = Person(nickname="小红")
        assert qq.arrive(client, person).json()["nickname"] == "小红"
        bound = qq.bind(client, person, MOBILE, PASSWORD)
        assert (bound.status_code, bound.json()["username"]) == (201, MOBILE)
        assert qq.arrive(Client(), person).json()["user_id"] == bound.json()["user_id"]
        assert "token" not in qq.arrive(Client(), Person()).json()
    account = SocialAccount.objects.get()
    assert (account.openid, account.app_id) == (person.openid, oauth.get("qq").app_id)


def test_no_vendor_is_asked_about_a_mobile(phonebind: Configure) -> None:
    phonebind(mobile_proofs={"aliyun": {"access_key_id": "id", "access_key_secret": "secret"}})
    with FakeQQ():
        assert conf.mobile_proofs == {}
    assert "aliyun" in conf.mobile_proofs


@pytest.mark.django_db
def test_a_known_user_signs_in_twice_as_the_same_person(client: Client) -> None:
    user = make_user()
    with FakeQQ() as qq:
        for _ in range(2):
            assert qq.sign_in(client, user, next="/cart.html").json()["next"] == "/cart.html"
    assert SocialAccount.objects.get().user_id == user.pk


@pytest.mark.django_db
def test_on_the_pages_the_client_has_the_session(client: Client) -> None:
    with FakeQQ() as qq:
        answer = qq.sign_in(client, make_user(), pages=True, next="/login/done/")
        assert answer.headers["Location"] == "/login/done/"
        assert "139****0001" in client.get("/login/done/").content.decode()
        form = qq.arrive(Client(), Person(), pages=True)
        assert form.headers["Location"].startswith("/login/qq/bind/")


@pytest.mark.django_db
@pytest.mark.parametrize("pages", [False, True])
def test_who_does_not_come_in_is_told_why(client: Client, pages: bool) -> None:
    with FakeQQ() as qq, pytest.raises(AssertionError, match="did not sign in: 403"):
        qq.sign_in(client, make_user(is_active=False), pages=pages)


@pytest.mark.django_db
def test_what_does_not_begin_is_told(client: Client) -> None:
    with FakeQQ() as qq, pytest.raises(AssertionError, match=r"did not begin: 400 .*next_not_allowed"):
        qq.arrive(client, Person(), next="https://evil.example/")


@pytest.mark.django_db
def test_a_unionid_is_learned_where_the_app_may_know_it(client: Client, phonebind: Configure) -> None:
    phonebind(providers={"unionid": True})
    with FakeQQ() as qq:
        assert qq.bind(client, Person(unionid="UID_1"), MOBILE, PASSWORD).status_code == 201
        user = get_user_model()._default_manager.get()
        assert qq.sign_in(Client(), user).json()["user_id"] == user.pk
        assert "token" not in qq.arrive(Client(), Person()).json()
    assert SocialAccount.objects.get().unionid == "UID_1"


@pytest.mark.django_db
def test_the_client_is_told_what_the_test_says(client: Client, settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    with FakeQQ() as qq:
        assert qq.bind(client, Person(), MOBILE, PASSWORD, secure=True).status_code == 201
        with pytest.raises(AssertionError, match="did not begin: 301"):
            qq.arrive(client, Person())


# ---------------------------------------------------------------- codes


@pytest.mark.django_db
def test_limits_hold_and_are_fresh_each_time(client: Client) -> None:
    for _ in range(2):
        with FakeQQ() as qq:
            code = qq.send_code(client, MOBILE)
            assert [(message.mobile, message.code) for message in qq.outbox] == [(MOBILE, code)]
            assert code in qq.outbox[0].text
            with pytest.raises(AssertionError, match=f"no SMS to {MOBILE}: 429"):
                qq.send_code(client, MOBILE)


@pytest.mark.parametrize("mode", ["image", "altcha", "image+altcha", "adaptive"])
def test_a_person_passes_whatever_the_host_asks(client: Client, phonebind: Configure, mode: str) -> None:
    phonebind(human_check=mode)
    with FakeQQ() as qq:
        asked = client.get(f"/human_checks/{MOBILE}/").json()
        assert asked["image"] == (mode != "altcha")
        assert asked["human_check"] == ({"name": "testing"} if mode in {"altcha", "image+altcha"} else None)
        assert len(qq.send_code(client, MOBILE)) == 6
        refused = client.get(f"/sms_codes/{MOBILE}/", {"text": "AAAA", "human_check": "nobody"})
        assert refused.status_code == 400


def test_a_host_that_asks_for_nothing_is_tested_so(client: Client, phonebind: Configure) -> None:
    phonebind(human_check="none", limits=dict.fromkeys(human.BOUNDS, (5, 3_600)))
    with FakeQQ() as qq:
        assert client.get(f"/human_checks/{MOBILE}/").json() == {"image": False, "human_check": None}
        assert len(qq.send_code(client, MOBILE)) == 6


def test_what_was_not_sent_and_not_drawn_is_told() -> None:
    with FakeQQ() as qq:
        with pytest.raises(AssertionError, match=f"no SMS was sent to {MOBILE}"):
            qq.read_code(MOBILE)
        with pytest.raises(AssertionError, match="no image was drawn for 1"):
            qq.image_text("1")


def test_a_code_of_qq_is_good_once() -> None:
    with FakeQQ() as qq:
        address = oauth.get("qq").settings.base_url + "/oauth2.0/token"
        callback = qq.click("https://qq.example/?redirect_uri=https://shop.example/back/&state=S", Person())
        code, state = (parse_qs(urlsplit(callback).query)[name][0] for name in ("code", "state"))
        assert (callback.partition("?")[0], state) == ("https://shop.example/back/", "S")
        for expected in ("access_token", "error"):
            with urlopen(f"{address}?client_id=1&code={code}", timeout=5) as answer:
                assert expected in json.load(answer)


# ---------------------------------------------------------------- afterwards


@pytest.fixture
def kept() -> Iterator[Callable[[], set[bytes]]]:
    """The keys in Valkey, without those of the sandbox, which is in this project and stores images too."""
    with redis.Redis.from_url(valkey_server().url) as client:
        client.set("the host's", "own")
        yield lambda: {key for key in client.scan_iter() if b"phonebind_sandbox" not in key}


@pytest.mark.django_db
def test_nothing_is_left(client: Client, kept: Callable[[], set[bytes]]) -> None:
    before = (django_settings.PHONEBIND, django_settings.CACHES, conf.cache, threading.active_count())
    owned = kept()
    receivers = len(signals.image_code_issued.receivers)

    def fail() -> None:
        with FakeQQ() as qq:
            qq.bind(client, Person(), MOBILE, PASSWORD)
            assert kept() > owned
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert (django_settings.PHONEBIND, django_settings.CACHES, conf.cache, threading.active_count()) == before
    assert len(signals.image_code_issued.receivers) == receivers
    assert kept() == owned == {b"the host's"}


@pytest.mark.django_db
def test_one_inside_of_another_disturbs_nobody(client: Client, kept: Callable[[], set[bytes]]) -> None:
    with FakeQQ() as outer:
        outer.send_code(client, MOBILE)
        first = kept()
        with FakeQQ() as inner:
            inner.send_code(client, MOBILE)
        assert kept() == first
        assert (len(outer.outbox), len(inner.outbox)) == (1, 1)


def test_a_project_without_qqs_secrets_has_them_here(client: Client, settings: Settings) -> None:
    settings.PHONEBIND = {}
    with FakeQQ() as qq:
        login_url = client.get("/oauth/qq/authorization/").json()["login_url"]
        assert qq.click(login_url, Person()).startswith("http://testserver/login/qq/callback/?code=")


def test_without_valkey_it_says_so_and_nothing_stays(valkey: Valkey) -> None:
    before, threads = django_settings.PHONEBIND, threading.active_count()
    valkey.stop()
    with pytest.raises(StorageUnavailable), FakeQQ():
        pass
    assert (django_settings.PHONEBIND, threading.active_count()) == (before, threads)


def test_a_valkey_that_a_test_ended_is_no_failure(valkey: Valkey) -> None:
    with FakeQQ():
        valkey.stop()


# ---------------------------------------------------------------- production

SERVER = """
import sys, threading
import django
from django.conf import settings
settings.configure(
    DEBUG=%(debug)s,
    SECRET_KEY="x" * 50,
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "rest_framework", "phonebind"],
    CACHES={"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1/0"}},
    PHONEBIND={
        "SMS": {"gateway": "phonebind.testing.edge.Outbox", "messages": []},
        "HUMAN_CHECK": {"check": "phonebind.testing.edge.Presence"},
    },
)
django.setup()
before = dict(settings.PHONEBIND), dict(settings.CACHES), threading.active_count()
from phonebind import testing, signals
assert (dict(settings.PHONEBIND), dict(settings.CACHES), threading.active_count()) == before
assert not signals.image_code_issued.receivers
assert "pytest" not in sys.modules
from django.core import checks
print(*sorted(message.id for message in checks.run_checks() if "test run" in message.msg))
from phonebind import human, sms
for act in (
    testing.FakeQQ,
    lambda: sms.get().send(None),
    lambda: human.mode().check.verify("13900000001", "192.0.2.1", "present"),
):
    try:
        print("works", act())
    except RuntimeError as error:
        print(error)
"""


@pytest.mark.once
@pytest.mark.parametrize("debug", [False, True])
def test_threat_22_in_a_server_it_does_nothing_whatever_is_imported_or_named(debug: bool) -> None:
    command = [sys.executable, "-W", "error", "-c", SERVER % {"debug": debug}]
    done = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    checks, *refusals = done.stdout.splitlines()
    assert checks == "phonebind.E005 phonebind.E007"
    assert len(refusals) == 3
    assert {line.partition(":")[0] for line in refusals} == {"phonebind.testing works in a test run only"}


def test_in_a_test_run_the_checks_have_nothing_to_say() -> None:
    assert Outbox([]).check() == Presence().check() == []


def test_without_a_test_run_nothing_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(utils._TestState, "saved_data")
    for act in (FakeQQ, lambda: Presence().verify(MOBILE, "192.0.2.1", "present")):
        with pytest.raises(RuntimeError, match="in a test run only"):
            act()
    assert Outbox([]).check() == Presence().check() != []
