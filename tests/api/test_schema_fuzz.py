"""Threat 18 once more: Schemathesis reads the schema, and sends all that it allows and much that it forbids.

Random values rarely pass the validation of a form. So two things are added to each request. ``kept`` names the one
parameter that keeps its random value; all others get correct values. ``luck`` names what fails meanwhile. REACHED lists
the statuses that each operation must have answered with by the end.
"""

import json
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import cycle
from typing import Any

import pytest
import redis
import schemathesis
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.test import RequestFactory
from hypothesis import HealthCheck, core, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.vendor import pretty
from schemathesis.checks import content_type_conformance, response_schema_conformance, status_code_conformance

from phonebind import exceptions, limits, oauth, sms_codes, states, store, tickets, tokens
from phonebind.conf import conf
from phonebind.models import SocialAccount
from phonebind.oauth import Identity
from tests.support.edge import OPENID, Configure, Outbox, Upstream
from tests.support.torture import FULL, scale
from tests.torture.report import Note

# Schemathesis silences Hypothesis for the whole process. The other tests need its report of a failure.
core.RepresentationPrinter = pretty.RepresentationPrinter  # type: ignore[attr-defined]

pytestmark = [pytest.mark.django_db, pytest.mark.once]

UUID = "3f0c6f6e-0000-4000-8000-000000000000"
MOBILE = "13900000001"
PASSWORD = "horse-staple-9"
IDENTITY = Identity("qq", "101000001", OPENID)
CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance]
DELIBERATE = {
    (kind.status, kind.code)
    for name in exceptions.__all__
    if hasattr(kind := getattr(exceptions, name), "code") and kind.status in (502, 503)
}

BOUNDED = hypothesis_settings(
    max_examples=scale(60, 20),
    deadline=None,
    derandomize=not FULL,
    database=None,
    suppress_health_check=list(HealthCheck),
)

#: Each operation, and the statuses that it must at least have answered with.
REACHED = {
    "phonebind_authorization": {200, 400, 404},
    "phonebind_callback": {200, 400, 403, 404, 503},
    "phonebind_native": {400, 404},  # QQ on the web does not support native sign-in
    "phonebind_bind": {201, 400, 403, 404, 429},
    "phonebind_image_code": {200, 400, 429},
    "phonebind_human_check": {200, 400, 429},
    "phonebind_sms_code": {200, 400, 429, 502},
    "phonebind_sms_code_post": {200, 400, 429, 502},
    "phonebind_password": {200, 400, 401, 403, 429},
    "phonebind_refresh": {200, 400, 401, 403},
}
#: What may fail during the request, or may have failed before it.
LUCK = ("good", "bound", "disabled", "provider down", "gateway refuses", "gateway mute", "limited", "led astray")


class World:
    """A person who has everything: a state, a ticket, both codes, an account, its tokens."""

    def __init__(self, qq: Upstream, phonebind: Configure, valkey: redis.Redis) -> None:
        self.qq, self.phonebind, self.valkey = qq, phonebind, valkey
        self.user = self._user()
        request, provider = RequestFactory().get("/"), oauth.web("qq")
        started = states.start(request, provider, "/cart.html")
        ticket, own = tickets.issue(request, IDENTITY, "/cart.html")
        self.cookies = {cookie.name: cookie.value for cookie in (started.cookie, own) if cookie}
        self.right = {
            "provider": "qq",
            "code": "CODE",
            "token": "TOKEN",
            "nonce": "",
            "state": started.state,
            "image_code_id": UUID,
            "text": "AAAA",
            "human_check": "",
            "without_image": "0",  # in the default mode the image code is enough
            "mobile": MOBILE,
            "password": PASSWORD,
            "username": MOBILE,
            "access_token": ticket,
            "refresh": tokens.issue(self.user)["refresh"],
        }

    def begin(self, luck: str) -> None:
        """Start again from a clean state."""
        self.valkey.flushall()
        self._limit()
        Outbox.sent.clear()
        Outbox.refuse = Outbox.mute = False
        SocialAccount.objects.all().delete()
        get_user_model()._default_manager.filter(pk=self.user.pk).update(is_active=True)
        self.qq.person()
        sms_codes.issue(MOBILE, "192.0.2.1")
        self.right |= {"sms_code": Outbox.sent[-1].code, "next": "/cart.html"}
        self.valkey.delete(limits.key("sms_mobile_gap", MOBILE))
        self.valkey.set(store.key("image", UUID), "AAAA")
        match luck:
            case "bound":
                self._bind()
            case "disabled":
                self._bind(is_active=False)
            case "provider down":
                self.qq.answer("/oauth2.0/token", b"", status=502)
            case "gateway refuses":
                Outbox.refuse = True
            case "gateway mute":
                Outbox.mute = True
            case "led astray":
                self.right["next"] = "//evil.example"
            case "limited":
                self._limit(
                    "image_address_hour",
                    "human_address_hour",
                    "human_answer_address_hour",
                    "sms_mobile_gap",
                    "password_account",
                    "password_bind",
                )

    def _limit(self, *names: str) -> None:
        """Remove these settings. Each override lies on top of the one before, and each lookup of a setting searches all
        of them.
        """
        if set(names) != conf.limits.keys():
            self.phonebind(limits=dict.fromkeys(names, (0, 60)))

    def _bind(self, **changes: Any) -> None:
        SocialAccount.objects.create(user=self.user, provider="qq", app_id="101000001", openid=OPENID)  # type: ignore[misc]
        get_user_model()._default_manager.filter(pk=self.user.pk).update(**changes)

    @staticmethod
    def _user() -> AbstractBaseUser:
        return get_user_model()._default_manager.create_user("li", mobile=MOBILE, password=PASSWORD)


@pytest.fixture
def world(qq: Upstream, phonebind: Configure, _store: redis.Redis) -> Iterator[World]:
    phonebind.settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    # These receivers would close the connection that holds the test's transaction. Django's own client disconnects them
    # too.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield World(qq, phonebind, _store)
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@cache
def served() -> Any:
    """The schema as the reference server serves it, and the server itself."""
    return schemathesis.openapi.from_wsgi("/schema/?format=json", get_wsgi_application())


def put_right(case: Any, right: dict[str, str], kept: str) -> None:
    for part in (case.path_parameters, case.query, case.body):
        if isinstance(part, dict):
            part.update({name: right[name] for name in part if name in right and name != kept})


def check(case: Any, answer: Any) -> None:
    case.validate_response(answer, checks=CHECKS)
    assert "no-store" in answer.headers["cache-control"][0]
    if answer.status_code >= 400:
        body = json.loads(answer.content)
        assert body["code"]
        assert body["message"]
        assert answer.status_code < 500 or (answer.status_code, body["code"]) in DELIBERATE


@pytest.mark.parametrize("name", REACHED)
def test_threat_18_whatever_the_schema_allows_or_forbids(world: World, note: Note, name: str) -> None:
    operation = served().find_operation_by_id(name)
    reached: Counter[tuple[int, str]] = Counter()
    if name == "phonebind_human_check":
        world.right["without_image"] = "1"

    def ask(case: Any, luck: str, kept: str | None) -> None:
        world.begin(luck)
        if kept is not None:
            put_right(case, world.right, kept)
        answer = case.call(cookies=world.cookies)
        check(case, answer)
        is_json = answer.headers["content-type"] == ["application/json"]
        reached[answer.status_code, json.loads(answer.content).get("code", "") if is_json else ""] += 1

    modes = list(schemathesis.GenerationMode)
    generation = served().config.generation_for(operation=operation, phase="coverage")
    cases = served().iter_coverage_cases(operation, generation_modes=modes, generation_config=generation)
    for case, luck in zip(cases, cycle(LUCK), strict=False):
        ask(case, "good", None)
        ask(case, "good", case.meta.phase.data.parameter or "")
        ask(case, luck, "")

    @BOUNDED
    @given(
        case=st.one_of([operation.as_strategy(generation_mode=mode) for mode in modes]),
        luck=st.sampled_from(LUCK),
        kept=st.none() | st.just("") | st.sampled_from(list(world.right)),
    )
    def fuzz(case: Any, luck: str, kept: str | None) -> None:
        ask(case, luck, kept)

    fuzz()
    assert {status for status, _ in reached} >= REACHED[name], reached
    statuses = Counter[int]()
    for (status, _), number in reached.items():
        statuses[status] += number
    answers = ", ".join(f"{number} × {status}" for status, number in sorted(statuses.items()))
    note(f"schema, allowed and forbidden: {name.removeprefix('phonebind_')}", answers=answers)
