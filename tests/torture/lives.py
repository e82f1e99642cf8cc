"""All that a person does with an account, over HTTP, repeated until it succeeds: SMS sign-in, refresh, reset, bind,
move.
"""

import time
from functools import partial
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.torture.people import STUBBORN, Person, Reply

PASSWORD = "battery-paper-7"


def live(person: Person) -> Reply:
    """A whole life, once. If it is run again, the person already has the new number."""
    token = refresh(person, enter(person).data["refresh"])
    has_moved = person.mobile.startswith("138")
    if not has_moved:
        token = refresh(person, reset(person).data["refresh"])
    reply = bind_and_unbind(person, token)
    return reply if has_moved else move(person, f"138{person.mobile[3:]}", token)


def _ask(
    person: Person, phone: str, path: str, *, method: str = "POST", token: str = "", **form: str
) -> tuple[Reply, str]:
    """Ask until the SMS has arrived, even if an answer is lost. Returns the answer and the code."""
    end = time.monotonic() + STUBBORN
    while True:
        asked = {**person.shop.image_code(), **form}
        if method == "GET":
            reply = person.request("GET", f"{path}?{urlencode(asked)}", token=token)
        else:
            reply = person.request(method, path, asked, token)
        if reply.status in (200, 202):
            return reply, person.shop.outside.code(phone)
        assert reply.status in (0, 429, 502, 503), reply
        assert time.monotonic() < end, f"no SMS: {reply}"
        time.sleep(0.3)


def enter(person: Person) -> Reply:
    """A code that was claimed by a request whose answer is lost does not work again, so the person asks for another
    one.
    """
    mobile = person.mobile
    while True:
        asked, code = _ask(person, mobile, f"/sms_codes/{mobile}/", purpose="sign_in")
        form = {"mobile": mobile, "sms_code": code, "flow": asked.data["flow"]}
        reply = person.persist(partial(person.request, "POST", "/authorizations/sms/", form))
        if reply.outcome != "sms_code_invalid":
            assert reply.status == 200, reply
            return reply


def refresh(person: Person, token: str) -> str:
    """Refresh several times. If an answer is lost, the same token is sent again, and the person stays signed in.
    Returns the access token.
    """
    for _ in range(3):
        reply = person.persist(partial(person.request, "POST", "/authorizations/refresh/", {"refresh": token}))
        assert reply.status == 200, reply
        token = reply.data["refresh"]
    return str(reply.data["token"])


def reset(person: Person) -> Reply:
    while True:
        asked, code = _ask(person, person.mobile, "/password_resets/", mobile=person.mobile)
        form = {"sms_code": code, "password": PASSWORD}
        reply = person.persist(partial(person.request, "PUT", f"/password_resets/{asked.data['id']}/", form))
        if reply.outcome != "sms_code_invalid":
            assert reply.status == 200, reply
            return reply


def bind_and_unbind(person: Person, token: str) -> Reply:
    bound = person.persist(partial(_bind, person, token))
    assert bound.status in (200, 201), bound
    path = f"/account/identities/{bound.data['id']}/"
    gone = person.persist(partial(person.request, "DELETE", path, token=token))
    assert gone.status in (204, 404), gone
    return gone


def _bind(person: Person, token: str) -> Reply:
    started = person.request("GET", "/oauth/qq/authorization/?intent=bind", token=token)
    if started.status != 200:
        return started
    form = {"provider": "qq", "code": f"{person.openid}.{time.monotonic_ns()}"}
    form["state"] = parse_qs(urlsplit(started.data["login_url"]).query)["state"][0]
    return person.request("POST", "/account/identities/", form, token)


def move(person: Person, new: str, token: str) -> Reply:
    """The sign-in with the old number has just proved that number."""
    while True:
        asked = {"purpose": "change_mobile", "mobile": new}
        _, code = _ask(person, new, "/account/sms_codes/", method="GET", token=token, **asked)
        form = {"mobile": new, "sms_code": code}
        reply = person.persist(partial(person.request, "PUT", "/account/mobile/", form, token))
        if reply.outcome != "sms_code_invalid":
            assert reply.status == 200, reply
            person.mobile = new
            return reply
