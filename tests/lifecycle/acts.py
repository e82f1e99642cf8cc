"""Requests of the account life that any process can send. Each is one complete, valid act."""

import json
import secrets
from dataclasses import asdict, dataclass, field
from typing import Any

from django.contrib.auth import get_user_model
from django.test import Client, RequestFactory

from phonebind import browser, keyed, sms_codes, store, tickets, tokens
from phonebind.lifecycle import flows, numbers, proofs, resets, step_up
from phonebind.lifecycle.models import MobileProof, Session
from phonebind.lifecycle.people import Person
from phonebind.models import SocialAccount
from phonebind.oauth import Identity

APP = "101000001"
PASSWORD, NEW_PASSWORD = "correct-horse-8", "another-horse-9"

#: The settings that the acts need.
SETTINGS = {
    "HASH_SLOTS": 32,
    "SMS_SIGN_IN": True,
    "SMS_SIGN_UP": True,
    "BIND_WITHOUT_PASSWORD": True,
}


@dataclass(frozen=True)
class Act:
    """The request to send."""

    method: str
    path: str
    body: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


def send(act: Act) -> tuple[int, Any]:
    """Send the request. Returns the status and the answer."""
    client = Client(raise_request_exception=False)
    method = getattr(client, act.method)
    answer = method(act.path, act.body, content_type="application/json", headers=act.headers)
    return answer.status_code, answer.json() if answer.content else {}


def outcome(act: Act) -> str:
    """The error's code. Without an error, the status."""
    status, answer = send(act)
    return str(answer.get("code", status))


class Device:
    """A signed-in person, with the tokens that the device holds."""

    def __init__(self, user: Any, method: str = "password", social_account: Any = None) -> None:
        self.user, self.pair = user, tokens.issue(user, method=method, social_account=social_account)
        self.sid = tokens.retire(self.pair["refresh"])
        self.person = Person(user, self.sid)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.pair['token']}"}

    @property
    def session(self) -> Session:
        return Session.objects.get(pk=self.sid)

    def shown(self, method: str) -> dict[str, str]:
        return {**self.headers, step_up.HEADER: step_up.issue(self.person, method)}

    def is_signed_in(self) -> bool:
        """Whether the person is signed in, by the access token and by the refresh token. Both must give the same
        result.
        """
        by_access = send(Act("get", "/account/sessions/", headers=self.headers))[0] == 200
        status, answer = send(self.refresh())
        if status == 200:
            self.pair = {"token": answer["token"], "refresh": answer["refresh"]}
        again = send(Act("get", "/account/sessions/", headers=self.headers))[0] == 200
        assert by_access == again == (status == 200), (by_access, again, status, answer)
        return by_access

    def refresh(self) -> Act:
        return Act("post", "/authorizations/refresh/", {"refresh": self.pair["refresh"]})

    def change(self, mobile: str) -> Act:
        """A change of the mobile number. The person has entered a code of the old number a short time ago."""
        code = sms_codes._new_code(mobile, self.person.holder, "change_mobile")
        return Act("put", "/account/mobile/", {"mobile": mobile, "sms_code": code}, self.shown("sms"))

    def unbind(self, account: SocialAccount) -> Act:
        return Act("delete", f"/account/identities/{account.pk}/", headers=self.shown("password"))


def make(mobile: str, password: str | None = PASSWORD) -> Any:
    """Make a person who has proved their number a moment ago, so that the gate asks nothing."""
    user = unproved(mobile, password)
    proofs.record(user, mobile, "sms")
    return user


def unproved(mobile: str, password: str | None = PASSWORD) -> Any:
    model: Any = get_user_model()
    return model.objects.create_user(username=mobile, mobile=mobile, password=password)


def bound(user: Any, openid: str) -> SocialAccount:
    return SocialAccount.objects.create(user=user, provider="qq", app_id=APP, openid=openid)


def bind(mobile: str, openid: str, password: str = PASSWORD) -> Act:
    identity = Identity("qq", APP, openid)
    code = sms_codes._new_code(mobile, identity.key, "bind")
    ticket = tickets.issue_loose(identity, "/")
    return Act(
        "post",
        "/oauth/qq/user/",
        {"mobile": mobile, "sms_code": code, "password": password, "access_token": ticket},
    )


def enter(mobile: str) -> Act:
    """Sign in by SMS."""
    holder, flow = flows.start(flows.PURPOSE, "")
    code = sms_codes._new_code(mobile, holder, flows.PURPOSE)
    return Act("post", "/authorizations/sms/", {"mobile": mobile, "sms_code": code, "flow": flow})


def sign_in(username: str, password: str = PASSWORD) -> Act:
    return Act("post", "/authorizations/", {"username": username, "password": password})


def reset(mobile: str, password: str = NEW_PASSWORD) -> Act:
    """A password reset that this browser has started. The code is on the phone."""
    secret = secrets.token_urlsafe(16)
    digest = resets._digest(secret)
    stamp = keyed.digests(resets._STAMP, resets._stamped(mobile)[0])[0]
    one = resets.Reset(secrets.token_urlsafe(16), mobile, digest, stamp)
    with store.connection() as client:
        client.set(resets._key(one.id), json.dumps(asdict(one)), ex=resets.MAX_AGE)
    code = sms_codes._new_code(mobile, one.holder, resets.PURPOSE)
    cookie = f"{browser.name_of(RequestFactory().get('/'), 'reset', digest)}={secret}"
    return Act("put", f"/password_resets/{one.id}/", {"sms_code": code, "password": password}, {"Cookie": cookie})


def not_mine(mobile: str) -> Act:
    """The answer "not mine" of a person who signed in by SMS and was asked."""
    client, act = Client(), enter(mobile)
    asked = client.post(act.path, act.body, content_type="application/json").json()
    assert asked["code"] == "owner_unclear", asked
    cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())
    return Act("post", "/ownership/", {"ticket": asked["ticket"], "choice": "not_mine"}, {"Cookie": cookies})


def carry_out(user_pk: Any) -> str:
    return numbers.carry_out(user_pk)


def disable(user_pk: Any) -> str:
    model: Any = get_user_model()
    user = model.objects.get(pk=user_pk)
    user.is_active = False
    user.save()
    return "disabled"


def all_is_well(*mobiles: str) -> None:
    """Each number has one holder at most. The holder has the only live proof of the number, and no user has a username
    that is another user's number.
    """
    users = get_user_model()._default_manager
    for mobile in mobiles:
        holders = list(users.filter(mobile=mobile).values_list("pk", flat=True))
        assert len(holders) <= 1
        provers = list(MobileProof.objects.filter(mobile=mobile, current=True).values_list("user_id", flat=True))
        assert len(provers) <= 1
        assert set(provers) <= set(holders), f"{mobile} is proved by who has it not"
        named = set(users.filter(username=mobile).values_list("pk", flat=True))
        assert named <= set(holders), f"{mobile} is the name of who has it not"


def ended(user: Any) -> list[str]:
    """How each of the person's sessions ended; "" for a session that has not ended."""
    rows = Session.objects.filter(user=user.pk).order_by("created_at", "pk")
    return [each.end_reason for each in rows]
