"""The fuzz targets: for each, the inputs to start from, and what must hold for every other input.

Texts arrive as bytes. Bytes that are not UTF-8 become surrogates, which are hard inputs too.
"""

import base64
import hashlib
import ipaddress
import json
import logging
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import altcha as library
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core import signing
from django.core.exceptions import ValidationError as FormError
from django.core.signals import setting_changed
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from rest_framework.exceptions import ValidationError

from phonebind import binding, browser, mobile_proofs, oauth, states, store, tickets, tokens, upstream
from phonebind.api import serializers
from phonebind.browser import Cookie
from phonebind.exceptions import (
    CodeInvalid,
    HumanCheckUnavailable,
    Invalid,
    MobileProofInvalid,
    NextNotAllowed,
    ProviderUnavailable,
    StateInvalid,
    TicketInvalid,
)
from phonebind.human import tencent as captcha
from phonebind.human.altcha import Altcha
from phonebind.limits import RULES, client_address
from phonebind.oauth import Identity, rsa2
from phonebind.oauth.qq_connect import parse
from phonebind.pages.forms import MobileField
from phonebind.redirects import safe_next
from tests.support.altcha import decode, solve
from tests.support.http_answers import GOOD, ODD, hold
from tests.torture.browser import destination

MOBILE = "13900000001"
PASSWORD = "horse-staple-9"
OPENID = "0123456789ABCDEF0123456789ABCDEF"
APP_ID = "101000001"
TOKEN = "SECRET-TOKEN-OF-THE-PROVIDER"
UUID_ = "3f0c6f6e-0000-4000-8000-000000000000"
IDENTITY = Identity("qq", APP_ID, OPENID, nickname="小明")


@dataclass(frozen=True)
class Target:
    """``check`` raises an exception if something does not hold."""

    check: Callable[[bytes], object]
    seeds: Iterable[bytes]


def text_of(data: bytes) -> str:
    return data.decode(errors="surrogateescape")


def configure(**changes: Any) -> None:
    settings.PHONEBIND = settings.PHONEBIND | changes
    setting_changed.send(None, setting="PHONEBIND", value=settings.PHONEBIND, enter=True)


def request(**meta: Any) -> HttpRequest:
    return RequestFactory().get("/", **meta)


# ---------------------------------------------------------------- the provider's answers

_ME = {"client_id": APP_ID, "openid": OPENID, "unionid": "UID_FEDCBA9876543210FEDCBA9876543210"}
ANSWERS = [
    b"access_token=%s&expires_in=7776000&refresh_token=R" % TOKEN.encode(),
    json.dumps({"access_token": TOKEN, "expires_in": "7776000", "openid": OPENID}).encode(),
    json.dumps({"access_token": TOKEN, "expires_in": 7776000}).encode(),
    json.dumps(_ME).encode(),
    b'callback( {"client_id":"%s","openid":"%s"} );\n' % (APP_ID.encode(), OPENID.encode()),
    b'callback( {"client_id":"101000002","openid":"%s",} );' % OPENID.encode(),
    b'callback( {"error":100020,"error_description":"code is reused error"} );',
    b'callback( {"error":100048,"error_description":"companyid not set"} );',
    b'{"error":100008,"error_description":"appid is not exist",}',
    json.dumps({"ret": 0, "msg": "", "nickname": "小明", "gender": "男"}).encode(),
    b'{"ret":-1,"nickname":"\\ud83d\\ude00\\ud83d\\u202e"}',
    b"\xef\xbb\xbf{}",
    b'<html><a href="?x=1&openid=2">502</a></html>',
]


def qq_parse() -> Target:
    """Never raises; and JSON is read as JSON."""

    def check(data: bytes) -> None:
        found = parse(data)
        for value in found.values():
            assert isinstance(value, str)
            value.encode()
        try:
            told = json.loads(data.decode("utf-8-sig", "replace").strip())
        except (ValueError, RecursionError):
            return
        if isinstance(told, dict):
            plain = {name: str(value) for name, value in told.items() if type(value) in (int, str)}
            assert found.keys() == plain.keys()
            assert all(found[name] == value for name, value in plain.items() if value.isascii())

    return Target(check, ANSWERS)


def http_answer() -> Target:
    """An answer that both we and ``http.client`` can read is read in the same way. We read nothing that ``http.client``
    refuses.
    """

    def check(data: bytes) -> None:
        hold(data)

    return Target(check, [*GOOD, *(answer for answer in ODD if len(answer) < 200)])


ALIPAY_ANSWERS = [
    b'{"alipay_system_oauth_token_response":{"access_token":"T","expires_in":1296000,"open_id":"0aB"},"sign":"c2ln"}',
    b' {"sign" : "c2ln",\n"a_response" : {"url":"https:\\/\\/x","msg":"}{\\"","x":[{}, {"y":1.5e3}]} }\r\n',
    b'{"error_response":{"code":"40002","sub_code":"isv.code-invalid","sub_msg":"\xca\xda\xc8\xa8"},"sign":null}',
    b'{"a":{"b":1},"a":{"b":2}}',
    b'{"a":"\\ud83d\\udd25\\ud83d","b":true}',
]


class Pairs(list[tuple[str, Any]]):
    """The members of a JSON object in the order in which they were written."""


def alipay_members() -> Target:
    """Never raises. A member that is found has the value that JSON reads, from exactly those bytes."""

    def check(data: bytes) -> None:
        found, rest = rsa2.members(data), data
        for member in found.values():
            told = json.loads(member.raw.decode(errors="surrogateescape"), strict=False)
            assert repr(told) == repr(member.value)  # a NaN does not equal another one
            _, cut, rest = rest.partition(member.raw)
            assert cut == member.raw
        try:
            # The outermost object is read last. A name that it contains twice is still there twice.
            told = json.loads(data.decode(errors="surrogateescape"), strict=False, object_pairs_hook=Pairs)
        except RecursionError:
            return
        except ValueError:
            told = None
        names = [name for name, _ in told] if isinstance(told, Pairs) else []
        assert list(found) == (names if len(names) == len(set(names)) else [])

    return Target(check, ALIPAY_ANSWERS)


class Log(logging.Handler):
    """What was logged about the last input."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text += record.getMessage()


def qq_dialect() -> Target:
    """The answers of a first sign-in: one of two errors, or an identity of our app that does not contain its token."""
    log = Log()
    logging.getLogger("phonebind").addHandler(log)
    logging.getLogger("phonebind").propagate = False
    answers: dict[str, bytes] = {}

    def get(url: str, query: Mapping[str, str], deadline: upstream.Deadline) -> bytes:
        return answers[url.rpartition("/")[2] + ("" if "unionid" not in query else "?unionid")]

    upstream.get = get  # the function that sends requests

    def check(data: bytes) -> None:
        parts = [*data.split(b"\n--\n"), b"", b"", b"", b""]
        answers.update(zip(("token", "me", "me?unionid", "get_user_info"), parts, strict=False))
        log.text = ""
        qq = oauth.web("qq")
        try:
            grant = qq.exchange("CODE")
            identity = binding._greeted(Identity("qq", APP_ID, grant.openid, qq.unionid(grant)), qq, grant)
        except (CodeInvalid, ProviderUnavailable):
            return
        finally:
            assert TOKEN not in log.text
        for told in filter(None, (identity.openid, identity.unionid)):
            assert re.fullmatch(r"[!-~]{1,255}", told)
        identity.nickname.encode()
        assert not identity.avatar or urlsplit(identity.avatar).scheme == "https"
        assert not set(identity.avatar) & set(" \"'<>;,\\")
        assert not any(ord(char) < 32 or char in "\u202e\u2028" for char in identity.nickname)
        if data.count(TOKEN.encode()) == 1 and TOKEN in grant.access_token:
            assert TOKEN not in repr(asdict(identity))
        # If the token's answer does not name the person, /me does, and its answer is for our app.
        assert b"openid" in parts[0] or b"openid" in parts[1]
        assert "openid" in parse(parts[0]) or APP_ID in parse(parts[1])["client_id"]

    first = [[answer, ANSWERS[4], ANSWERS[3], ANSWERS[9]] for answer in ANSWERS]
    later = [[ANSWERS[2], answer, answer, answer] for answer in ANSWERS]
    return Target(check, [b"\n--\n".join(parts) for parts in (*first, *later)])


# ---------------------------------------------------------------- state, ticket, cookies


def _old_state(digest: str, key: str | None = None) -> str:
    """A state as versions before 0.2 signed it."""
    payload = {"provider": "qq", "app_id": APP_ID, "next": "/old", "cookie": digest}
    return signing.dumps(payload, key=key, salt=states.OLD_SALT, compress=True)


def _signed() -> tuple[tuple[str, str], str, list[bytes], dict[str, str]]:
    """Two states of this browser, new and old; a ticket; texts with the same kind of signature that are neither; the
    cookies.
    """
    qq = oauth.web("qq")
    started = states.start(request(), qq, "/cart.html")
    ticket, own = tickets.issue(request(), IDENTITY, "/cart.html")
    digest = hashlib.sha256(b"secret").hexdigest()
    old = _old_state(digest)
    payload = {"provider": "qq", "app_id": APP_ID, "next": "/", "cookie": ""}
    alike = [
        states.start(request(), qq, "/cart.html?" + "a=b&" * 40).state,
        tickets.issue_unbound(IDENTITY, "/"),
        tickets.issue_loose(IDENTITY, "/"),
        tickets.issue_unbound(Identity("qq", "101000002", OPENID), "/"),
        _old_state(digest, "guessed"),
        "x:" + old.partition(":")[2],
        signing.dumps(payload, salt="another"),
        signing.dumps({}, salt="x", compress=True),
    ]
    seeds = [text.encode() for text in (started.state, old, ticket, *alike)]
    assert started.cookie
    jar = {cookie.name: cookie.value for cookie in (started.cookie, own)}
    return (started.state, old), ticket, seeds, jar | {browser.name_of(request(), "flow", digest): "secret"}


def _stateless() -> dict[str, str]:
    cookie = states.start_stateless(request(), oauth.web("qq"), "/").cookie
    return {cookie.name: cookie.value} if cookie else {}


def _header(jar: dict[str, str]) -> str:
    return "; ".join(f"{name}={value}" for name, value in jar.items())


def state() -> Target:
    """A state is accepted only if it is unchanged and was begun in this browser. Any other state leads nowhere."""
    mine, _, seeds, cookies = _signed()
    with_cookies, without = request(), request()
    with_cookies.META["HTTP_COOKIE"] = _header(cookies)
    leads = {mine[0]: "/cart.html", mine[1]: "/old"}

    def check(data: bytes) -> None:
        text, qq = text_of(data), oauth.web("qq")
        accepted = []
        for visitor in (with_cookies, without):
            try:
                accepted.append(states.read(visitor, qq, text).next)
            except StateInvalid:
                accepted.append("")
        assert accepted == [leads.get(text, ""), ""]
        known, stranger = states.known(with_cookies, qq, text), states.known(without, qq, text)
        assert (known is None) == (stranger is None) == (text != mine[1] and not re.fullmatch(r"[0-9a-f]{32}", text))
        assert (known.next if known else "") == leads.get(text, "")
        assert not stranger or stranger.next == ("/old" if text == mine[1] else "")

    return Target(check, seeds)


def ticket() -> Target:
    """The same for tickets. Unbound and loose tickets are accepted only where they are allowed."""
    _, mine, seeds, cookies = _signed()
    unbound, loose = seeds[4].decode(), seeds[5].decode()
    with_cookies, without = request(), request()
    with_cookies.META["HTTP_COOKIE"] = _header(cookies)

    def check(data: bytes) -> None:
        text, qq = text_of(data), oauth.get("qq")
        accepted = []
        for visitor, also in (
            (with_cookies, {}),
            (without, {}),
            (without, {"unbound": True}),
            (without, {"loose": True}),
        ):
            try:
                identity = tickets.read(visitor, qq, text, **also).identity
                accepted.append(identity == IDENTITY)
            except TicketInvalid:
                accepted.append(False)
        assert accepted == [text == mine, False, text == unbound, text == loose]

    return Target(check, seeds)


def mobile_proof() -> Target:
    """Valid only unchanged, and only for the identity that it was signed for."""
    said = [MOBILE, IDENTITY.key, "once", "carrier", "aliyun"]
    good = signing.dumps(said, salt=mobile_proofs.SALT, compress=True)
    seeds = [good, signing.dumps(said, salt=mobile_proofs.SALT, key="guessed"), signing.dumps(said, salt=tickets.SALT)]
    somebody_else = Identity("qq", APP_ID, "F" * 32)

    def check(data: bytes) -> None:
        text, accepted = text_of(data), []
        for identity in (IDENTITY, somebody_else):
            try:
                accepted.append(mobile_proofs.read(text, identity).number == MOBILE)
            except MobileProofInvalid:
                accepted.append(False)
        assert accepted == [text == good, False]

    return Target(check, [seed.encode() for seed in seeds])


def cookies() -> Target:
    """Any Cookie header: a sign-in belongs to this browser only with its cookie, and the cookies that we send back are
    valid.
    """
    (mine, _), _, _, jar = _signed()
    qq = oauth.web("qq")
    name = next(name for name in jar if "flow" in name)
    started = states.State("/", name.rpartition("_")[2])

    def check(data: bytes) -> None:
        header = data.decode("latin-1")
        visitor = request(HTTP_COOKIE=header)
        try:
            states.read(visitor, qq, mine)
        except StateInvalid:
            pass
        else:
            pairs = [pair.strip(" \t").partition("=") for pair in header.split(";")]
            assert (name, jar[name]) in [(left.strip(" \t"), right.strip(" \t")) for left, _, right in pairs]
        states.known(visitor, qq, mine)
        with suppress(StateInvalid):
            states.read_stateless(visitor, qq, "/")
        tickets.kept(visitor, started.id)
        tickets.kept_next(visitor, started.id)
        response = HttpResponse()
        browser.remember(visitor, response, Cookie("phonebind_flow_x", "y", 600), most=8, room=states.ROOM)
        tickets.keep(visitor, response, started.id, "z")
        browser.forget_all(visitor, response)
        lines = [morsel.OutputString() for morsel in response.cookies.values()]
        assert all(re.match(r"(__Host-)?phonebind_[^\r\n\0]*\Z", line) for line in lines)

    whole = _header(jar)
    many = "; ".join(f"phonebind_{kind}_{number:x}=x" for kind in ("flow", "kept") for number in range(16))
    seeds = [
        whole,
        f'{name}="{jar[name]}"',
        many,
        f"{many}; {whole}",
        _header(_stateless()),
        "phonebind_flow_a b=1;;=;=x; é=ü",
        "__Host-phonebind_x",
    ]
    return Target(check, [seed.encode() for seed in seeds])


# ---------------------------------------------------------------- next, forwarded-for


def next_() -> Target:
    """A target that is accepted leads a browser to this site, or to a host that is allowed."""
    allowed = {"testserver", "www.shop.example", "localhost:8080"}
    configure(ALLOWED_NEXT_HOSTS=("www.shop.example", "localhost:8080"))
    plain, secure = request(), request(**{"wsgi.url_scheme": "https"})

    def check(data: bytes) -> None:
        target = text_of(data)
        for visitor, schemes in ((plain, {"http", "https"}), (secure, {"https"})):
            try:
                found = safe_next(visitor, target)
            except NextNotAllowed:
                continue
            assert found == (target or "/")
            scheme, host = destination(found, (str(visitor.scheme), "testserver"))
            assert scheme in schemes, (found, scheme)
            assert host in allowed, (found, host)
            HttpResponse(headers={"Location": found})

    seeds = [
        *(
            "/",
            "/cart.html?next=//evil.example",
            "cart",
            "/购物车",
            "//evil.example",
            "/\\evil.example",
            "///evil.example",
        ),
        *(
            "http:evil.example",
            "https:evil.example",
            "http:/evil.example",
            "https:\\\\evil.example",
            "http:///evil.example",
        ),
        *(
            "https://www.shop.example/",
            "http://localhost:8080/x",
            "https://www.shop.example:443/",
            "//www.shop.example",
        ),
        *("http://testserver@evil.example/", "http://testserver\u3002evil.example", "http://ｔｅｓｔｓｅｒｖｅｒ/"),
        *(
            "javascript:alert(1)",
            "java\tscript:alert(1)",
            "//evil.example\\@testserver",
            "http://testserver#@evil.example",
        ),
        *("http://[::1]/", "\x01//evil.example", "\u00a0//evil.example", "http://testserver%2eevil.example/"),
    ]
    return Target(check, [seed.encode() for seed in seeds])


def address() -> Target:
    """An address has one spelling. Entries before those of the trusted proxies change nothing.

    The first byte is the number of proxies, the first line REMOTE_ADDR, the second X-Forwarded-For.
    """
    configured = 0

    def check(data: bytes) -> None:
        nonlocal configured
        number, (remote, _, header) = (data or b"0")[0] % 4, data[1:].decode("latin-1").partition("\n")
        if number != configured:
            configure(TRUSTED_PROXIES=number)
            configured = number
        found = client_address(request(REMOTE_ADDR=remote, HTTP_X_FORWARDED_FOR=header))
        if found != "unknown":
            network = ipaddress.ip_network(found)
            assert network.prefixlen == (32 if network.version == 4 else 64)
            assert found == str(network if network.version == 6 else network.network_address)
        hops = header.count(",") + 1 if header else 0
        if hops < number or not number:
            assert found == client_address(request(REMOTE_ADDR=remote)), "not of the connection"
        else:
            for claim in ("6.6.6.6", "x", "", "2001:db8::6"):
                claimed = request(REMOTE_ADDR=remote, HTTP_X_FORWARDED_FOR=f"{claim}, {header}")
                assert found == client_address(claimed), "not of a trusted hop"
            alone = ",".join([header.split(",")[-number]] * number)
            # An empty header counts as no header, and then the address of the connection counts.
            assert not alone or found == client_address(request(REMOTE_ADDR=remote, HTTP_X_FORWARDED_FOR=alone))

    spelt = [
        "192.0.2.1",
        "192.0.2.1:50000",
        "[2001:db8::1]:50000",
        "[2001:db8::1]",
        "2001:DB8:0:0::1",
        "::ffff:192.0.2.1",
    ]
    spelt += [
        "fe80::1%eth0",
        "unknown",
        "_hidden",
        "1.2.3.04",
        "0x7f.1",
        "2130706433",
        "",
        "::",
        "[::1",
        "1.1.1.1, 2.2.2.2, 3.3.3.3",
    ]
    return Target(check, [f"{number}192.0.2.9\n{text}, {text}".encode() for number in range(4) for text in spelt])


# ---------------------------------------------------------------- spellings


def image_code_id() -> Target:
    """All spellings of an id are one key in the store."""

    def check(data: bytes) -> None:
        try:
            found = serializers.image_code_id(text_of(data))
        except Invalid:
            return
        assert re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", found)
        assert found == serializers.image_code_id(found) == serializers.image_code_id(found.upper())

    spelt = [UUID_, UUID_.upper(), UUID(UUID_).hex, f"{{{UUID_}}}", f"urn:uuid:{UUID_}", "１" * 32, "1_" * 16]
    return Target(check, [text.encode() for text in spelt])


def mobile() -> Target:
    """A number that is accepted is 11 ASCII digits: all digits of the input except a prefix."""
    page, api = MobileField(), serializers.MobileField()

    def means(text: str, number: str) -> bool:
        digits = "".join(char for char in unicodedata.normalize("NFKC", text) if char.isdigit())
        given = not any(char.isalpha() for char in text) and digits in (number, f"86{number}", f"0086{number}")
        return given and bool(re.fullmatch("1[3-9][0-9]{9}", number, re.ASCII))

    def check(data: bytes) -> None:
        text = text_of(data)
        try:
            number = api.run_validation(text)
        except ValidationError:
            pass
        else:
            assert means(text, number)
        try:
            number = page.clean(text)
        except FormError:
            return
        assert means(text, number)

    spelt = [
        MOBILE,
        f"+86 {MOBILE}",
        "139-0000-0001",
        "139 0000 0001",
        f"{MOBILE}\n",
        "１３９００００００００１",
        f"86{MOBILE}",
    ]
    spelt += [f"+86+86{MOBILE}", f"\u202e{MOBILE}", f"0{MOBILE}", "139\u200b00000001", f"{MOBILE}\x00", "12900000001"]
    return Target(check, [text.encode() for text in spelt])


# ---------------------------------------------------------------- whole requests

CONTENT_TYPES = ("application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "")
POSTS = ("/oauth/qq/user/", "/mobile_proofs/", f"/sms_codes/{MOBILE}/", "/authorizations/", "/authorizations/refresh/")
GETS = (
    "/oauth/qq/authorization/",
    "/oauth/qq/user/",
    f"/sms_codes/{MOBILE}/",
    f"/image_codes/{UUID_}/",
    "/login/",
    "/logout/",
)


def _site() -> Client:
    """A site with limits that no input here reaches. Its provider and gateway make no call over the network."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    current: Any = settings.PHONEBIND
    qq = current["PROVIDERS"]["qq"] | {"base_url": "http://127.0.0.1:1"}
    configure(
        LIMITS=dict.fromkeys(RULES, (10**9, 60)), SMS={"gateway": "tests.support.edge.Outbox"}, PROVIDERS={"qq": qq}
    )
    # Otherwise Django's client would raise an exception for each 5xx that the target looks for.
    return Client(raise_request_exception=False)


def _refused_or_done(answer: Any) -> None:
    assert answer.status_code < 500 or answer.json()["code"] == "provider_unavailable", answer.content
    if answer.status_code >= 400 and "json" in answer["Content-Type"]:
        assert answer.json()["code"]
        assert answer.json()["message"]
    if answer.status_code != 404:
        assert "no-store" in answer["Cache-Control"]


def bodies() -> Target:
    """The first byte chooses the endpoint and the content type. There is never a 5xx."""
    http = _site()
    user = get_user_model()._default_manager.create_user("li", mobile=MOBILE, password=PASSWORD)
    mine, own = tickets.issue(request(), IDENTITY, "/")
    http.cookies[own.name] = own.value

    def check(data: bytes) -> None:
        choice, body = (data or b"0")[0], data[1:]
        path, content_type = POSTS[choice % 4], CONTENT_TYPES[choice // 4 % 4]
        _refused_or_done(http.generic("POST", path, body, content_type=content_type))

    forms: list[dict[str, str]] = [
        {"mobile": MOBILE, "password": PASSWORD, "sms_code": "123456", "access_token": mine},
        {"image_code_id": str(uuid4()), "text": "AAAA"},
        {"username": MOBILE, "password": PASSWORD},
        {"refresh": tokens.issue(user)["refresh"]},
    ]
    seeds = [bytes([number]) + json.dumps(form).encode() for number, form in enumerate(forms)]
    for number, form in enumerate(forms):
        seeds.append(bytes([number + 4]) + "&".join(f"{name}={value}" for name, value in form.items()).encode())
        part = '--x\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
        seeds.append(
            bytes([number + 8]) + ("".join(part.format(*item) for item in form.items()) + "--x--\r\n").encode()
        )
    seeds += [
        b'\0{"mobile": NaN, "password": [1e999], "sms_code": {"a": null}}',
        b'\2{"username": "\\ud800", "password": "\\u0000"}',
    ]
    return Target(check, seeds)


def requests() -> Target:
    """The first byte chooses the path. The lines are query, Cookie, Accept-Language, X-Forwarded-For. There is never a
    5xx.
    """
    http = _site()
    configure(TRUSTED_PROXIES=1)
    mine, _, _, jar = _signed()

    def check(data: bytes) -> None:
        choice, rest = (data or b"0")[0], data[1:].decode("latin-1")
        query, cookie, language, forwarded, *_ = [*rest.split("\n"), "", "", "", ""]
        http.cookies.clear()
        answer = http.generic(
            "GET",
            GETS[choice % len(GETS)],
            QUERY_STRING=query,
            HTTP_COOKIE=cookie,
            HTTP_ACCEPT_LANGUAGE=language,
            HTTP_X_FORWARDED_FOR=forwarded,
        )
        _refused_or_done(answer)

    jars = _header(jar)
    many = "; ".join(f"phonebind_{kind}_{number:x}=x" for kind in ("flow", "kept") for number in range(16))
    more = ["zh-CN,zh;q=0.9", "192.0.2.1"]
    lines = [
        ["next=/cart.html", many, *more],
        [f"code=C&state={mine}", "", *more],
        [f"image_code_id={UUID_}&text=AAAA", jars, *more],
        ["", "", "x" * 40, "::1"],
        ["next=//evil.example", "sessionid=x; csrftoken=y", "en;q=x", "_"],
        ["error=100008&state=x", many, *more],
    ]
    return Target(check, [bytes([number]) + "\n".join(line).encode() for number, line in enumerate(lines)])


# ---------------------------------------------------------------- human checks


def altcha() -> Target:
    """What a browser computed is accepted only if the challenge is ours and solved; otherwise it is refused."""
    own = Altcha(cost=1_000)
    solved = decode(solve(own.issue(MOBILE)))
    store.first = lambda name, seconds: True  # the check for a second use is not tested here

    def check(data: bytes) -> None:
        if not own.verify(MOBILE, "192.0.2.1", base64.b64encode(data).decode()):
            return
        # As the library reads it. It takes the default for a length that is not given.
        given = library.Payload.from_dict(json.loads(data.decode())).to_dict()
        assert given["challenge"] == solved["challenge"]
        assert given["solution"]["derivedKey"].lower() == solved["solution"]["derivedKey"]

    others = [{**solved, "solution": {}}, {"challenge": {}}, {**solved, "solution": {"counter": 1, "derivedKey": "00"}}]
    return Target(check, [json.dumps(seed).encode() for seed in (solved, *others)])


def tencent() -> Target:
    """The ticket that a browser sends, and Tencent's answer about it: a ticket or a refusal; good, bad or unknown."""
    logging.getLogger("phonebind").addHandler(log := Log())
    logging.getLogger("phonebind").propagate = False
    store.first = lambda name, seconds: True

    def check(data: bytes) -> None:
        log.text = ""
        ticket, randstr = captcha._read(text_of(data)) or ("", "")
        assert (ticket + randstr).isascii()
        assert not re.match("tr?error_", ticket)
        person = False
        with suppress(HumanCheckUnavailable):
            person = captcha._is_person(captcha._parse(data))
        assert len(log.text) < 300
        assert log.text.isprintable()
        if person:
            code = json.loads(data)["Response"]["CaptchaCode"]
            assert (type(code), code) == (int, 1)

    answers: list[dict[str, Any]] = [
        {"CaptchaCode": 1, "EvilLevel": 0},
        {"CaptchaCode": 15},
        {"Error": {"Code": "AuthFailure", "Message": "x"}},
    ]
    bodies = [{"Response": {**answer, "RequestId": UUID_}} for answer in answers]
    said = {"ticket": "tr03abc*", "randstr": "@ab1"}
    return Target(check, [json.dumps(seed).encode() for seed in (said, *bodies)])


TARGETS: dict[str, Callable[[], Target]] = {
    "qq_parse": qq_parse,
    "qq_dialect": qq_dialect,
    "http_answer": http_answer,
    "alipay_members": alipay_members,
    "state": state,
    "ticket": ticket,
    "mobile_proof": mobile_proof,
    "cookies": cookies,
    "next": next_,
    "address": address,
    "image_code_id": image_code_id,
    "mobile": mobile,
    "altcha": altcha,
    "tencent": tencent,
    "bodies": bodies,
    "requests": requests,
}
#: These are a hundred times as slow as the others.
WHOLE_REQUESTS = {"bodies", "requests"}
