"""What only Alipay has: both signatures, the signed bytes, the two ids, and the SDK of apps."""

import base64
import json
import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
import time_machine
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from django.test import Client
from pytest_django import Settings

from phonebind import binding, checks, oauth
from phonebind.exceptions import CodeInvalid, ProviderUnavailable
from phonebind.oauth import rsa2
from phonebind.oauth.alipay import GATEWAY, Alipay
from tests.oauth.drivers.alipay import DRIVER, OURS, THEIRS, TOKEN_NODE, private_text, public_text, signature, signed
from tests.support.edge import Configure, Upstream

pytestmark = [pytest.mark.django_db, pytest.mark.once]

PROFILE_NODE = "alipay_user_info_share_response"
OPEN_ID = DRIVER.openid
USER_ID = "2088000000000001"

Make = Callable[..., Alipay]


@pytest.fixture
def alipay(upstream: Upstream, phonebind: Configure, settings: Settings) -> Make:
    """The provider for one request, with these settings changed."""

    def make(**changes: Any) -> Alipay:
        entry = {**DRIVER.settings, "base_url": upstream.url, **changes}
        settings.PHONEBIND = {**settings.PHONEBIND, "PROVIDERS": {"alipay": entry}}
        made = oauth.get("alipay")
        assert isinstance(made, Alipay)
        return made

    return make


def pem(text: str, what: str) -> str:
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return "\n".join([f"-----BEGIN {what}-----", *lines, f"-----END {what}-----", ""])


def token(**ids: str) -> bytes:
    return signed(TOKEN_NODE, {"access_token": "authusrB0", "expires_in": "1296000", **ids})


# ---------------------------------------------------------------- what we send


@time_machine.travel("2026-01-01T19:04:05Z", tick=False)
def test_the_request_is_signed_in_the_time_of_beijing(alipay: Make, upstream: Upstream) -> None:
    upstream.answer(GATEWAY, token(open_id=OPEN_ID))
    alipay().exchange("C0DE+/=")
    [(path, form)] = upstream.requests
    assert path == GATEWAY
    sign = form.pop("sign")
    assert form == {
        "app_id": "2021000000000009",
        "method": "alipay.system.oauth.token",
        "format": "JSON",
        "charset": "utf-8",
        "sign_type": "RSA2",
        "timestamp": "2026-01-02 03:04:05",
        "version": "1.0",
        "grant_type": "authorization_code",
        "code": "C0DE+/=",
    }
    content = (
        "app_id=2021000000000009&charset=utf-8&code=C0DE+/=&format=JSON&grant_type=authorization_code"
        "&method=alipay.system.oauth.token&sign_type=RSA2&timestamp=2026-01-02 03:04:05&version=1.0"
    )
    public = OURS.public_key()
    public.verify(base64.b64decode(sign), content.encode(), padding.PKCS1v15(), hashes.SHA256())
    [(headers, _)] = upstream.raw
    assert headers["Content-Type"] == "application/x-www-form-urlencoded;charset=utf-8"


def test_what_is_empty_is_not_signed() -> None:
    assert rsa2.sign({"b": "2", "a": "", "c": "三"}, private_text(OURS)) == signature("b=2&c=三".encode(), OURS)


@pytest.mark.parametrize(
    ("base_url", "page"),
    [
        ("", "https://openauth.alipay.com/oauth2/publicAppAuthorize.htm"),
        (
            "https://openapi-sandbox.dl.alipaydev.com",
            "https://openauth-sandbox.dl.alipaydev.com/oauth2/publicAppAuthorize.htm",
        ),
        ("http://127.0.0.1:8000/sandbox/alipay", "http://127.0.0.1:8000/sandbox/alipay/oauth2/publicAppAuthorize.htm"),
    ],
)
def test_the_page_is_on_another_host_than_the_gateway(alipay: Make, base_url: str, page: str) -> None:
    url = urlsplit(alipay(base_url=base_url).login_url("0123456789abcdef"))
    assert url._replace(query="").geturl() == page
    assert dict(parse_qsl(url.query)) == {
        "app_id": "2021000000000009",
        "scope": "auth_base",
        "redirect_uri": "https://shop.example/login/alipay/callback/",
        "state": "0123456789abcdef",
    }


def test_it_comes_back_with_an_auth_code(alipay: Make, upstream: Upstream, client: Client) -> None:
    alipay()
    upstream.answer(GATEWAY, token(open_id=OPEN_ID))
    state = client.get("/oauth/alipay/authorization/").json()["login_url"].partition("state=")[2]
    query = {"auth_code": "C0DE", "app_id": "2021000000000009", "scope": "auth_base", "source": "x", "state": state}
    assert client.get("/oauth/alipay/user/", query).json()["access_token"]
    assert upstream.requests[0][1]["code"] == "C0DE"


def test_it_works_in_every_browser_and_its_own_app_is_its_home(alipay: Make) -> None:
    inside = (
        "Mozilla/5.0 (Linux; Android 15) Mobile Safari/537.36 NebulaSDK AlipayDefined AlipayClient/10.6.80 Language/zh"
    )
    assert alipay().home in inside
    for user_agent in ("", inside, "Mozilla/5.0 (iPhone) MicroMessenger/8.0.50"):
        assert alipay().works_in(user_agent)


def test_an_error_in_the_address_is_worth_another_try(alipay: Make) -> None:
    assert isinstance(alipay().refusal("anything"), CodeInvalid)


# ---------------------------------------------------------------- what comes back


@pytest.mark.parametrize(
    "layout",
    [
        '{"%(name)s":%(node)s,"sign":"%(sign)s"}',
        '{"sign":"%(sign)s","%(name)s":%(node)s}',
        ' \r\n{ "%(name)s" :\t%(node)s , "alipay_cert_sn" : "1" ,\n"sign" : "%(sign)s" } \n',
    ],
)
@pytest.mark.parametrize(
    "node",
    [
        '{"open_id":"ID","union_id":"U"}',
        '{ "open_id" : "ID" , "union_id" : "U" }',
        '{"open_id":"ID","msg":"}{\\"sign\\":\\"","x":{"y":[{}]},"union_id":"U"}',
        '{"open_id":"ID","url":"https:\\/\\/x\\/\\\\","union_id":"\\u0055"}',
        '{"open_id":"ID","msg":"小明\t🦊","union_id":"U"}',
        '{"open_id":"NO","open_id":"ID","union_id":"U"}',
    ],
)
def test_the_signature_is_of_the_bytes_as_they_came(alipay: Make, upstream: Upstream, layout: str, node: str) -> None:
    body = layout % {"name": TOKEN_NODE, "node": node, "sign": signature(node.encode())}
    upstream.answer(GATEWAY, body.encode())
    grant = alipay().exchange("C0DE")
    assert (grant.openid, grant.unionid) == ("ID", "U")


def test_another_charset_than_was_asked_for_is_verified_all_the_same(alipay: Make, upstream: Upstream) -> None:
    node = '{"open_id":"ID","msg":"小明"}'.encode("gbk")
    upstream.answer(GATEWAY, b'{"%s":%s,"sign":"%s"}' % (TOKEN_NODE.encode(), node, signature(node).encode()))
    assert alipay().exchange("C0DE").openid == "ID"


@pytest.mark.parametrize(
    "body",
    [
        token(open_id=OPEN_ID).replace(b'"expires_in"', b' "expires_in"'),
        signed(TOKEN_NODE, {"open_id": OPEN_ID, "url": "https://x"}).replace(b"\\/", b"/"),
        b'{"%s":{"open_id":"ID"},"sign":"%s"}' % (TOKEN_NODE.encode(), signature(b'{"open_id":"ID"}', OURS).encode()),
        b'{"%s":{"open_id":"ID"},"sign":"no base64"}' % TOKEN_NODE.encode(),
        b'{"%s":{"open_id":"ID"},"sign":"\xe4\xb8\x89"}' % TOKEN_NODE.encode(),
        b'{"%s":{"open_id":"ID"},"sign":null}' % TOKEN_NODE.encode(),
        # Signed, but the signature of another call.
        b'{"%s":{"open_id":"ID"},"x":{"a":1},"sign":"%s"}' % (TOKEN_NODE.encode(), signature(b'{"a":1}').encode()),
    ],
)
def test_threat_1_an_answer_that_alipay_did_not_sign_is_nobody(
    alipay: Make, upstream: Upstream, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    upstream.answer(GATEWAY, body)
    with pytest.raises(ProviderUnavailable):
        alipay().exchange("C0DE")
    assert "its signature does not fit alipay_public_key" in caplog.text


def test_threat_1_two_nodes_of_one_name_are_no_answer(alipay: Make, upstream: Upstream) -> None:
    """Otherwise the client could read one node and verify the other, and accept any identity."""
    good = token(open_id=OPEN_ID)
    upstream.answer(GATEWAY, b'{"%s":{"open_id":"MALLORY"},%s' % (TOKEN_NODE.encode(), good[1:]))
    with pytest.raises(ProviderUnavailable):
        alipay().exchange("C0DE")
    assert rsa2.members(b'{"a":1,"a":1}') == {}


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"{", b'{"a"', b'{"a":1', b'{"a":1,}', b'{"a":1}}', b'{"a":1}x', b"{1:1}", b'["a",1]', b'{"a" 1}'],
)
def test_what_is_no_object_has_no_members(body: bytes) -> None:
    assert rsa2.members(body) == {}


def test_members_are_what_json_reads() -> None:
    body = b' {"a": {"x":"}"} , "b":[1, 2],"c":"\\/" } '
    found = rsa2.members(body)
    assert {name: member.value for name, member in found.items()} == json.loads(body)
    assert [member.raw for member in found.values()] == [b'{"x":"}"}', b"[1, 2]", b'"\\/"']


def test_an_error_need_not_be_signed(alipay: Make, upstream: Upstream) -> None:
    upstream.answer(GATEWAY, {"error_response": {"code": 40002, "sub_code": "isv.code-invalid"}})
    with pytest.raises(CodeInvalid):
        alipay().exchange("C0DE")


# ---------------------------------------------------------------- the identity


@pytest.mark.parametrize(
    ("id_kind", "openid", "app_id"), [("open_id", OPEN_ID, "2021000000000009"), ("user_id", USER_ID, "alipay")]
)
def test_the_id_is_the_one_that_is_configured(
    alipay: Make, upstream: Upstream, id_kind: str, openid: str, app_id: str
) -> None:
    upstream.answer(GATEWAY, token(open_id=OPEN_ID, user_id=USER_ID))
    provider = alipay(id_kind=id_kind)
    identity, _ = binding.identify(provider, lambda: provider.exchange("C0DE"))
    assert (identity.provider, identity.app_id, identity.openid) == ("alipay", app_id, openid)


@pytest.mark.parametrize(("id_kind", "given"), [("open_id", {"user_id": USER_ID}), ("user_id", {"open_id": OPEN_ID})])
def test_threat_1_the_other_id_is_never_taken_in_its_place(
    alipay: Make, upstream: Upstream, id_kind: str, given: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    upstream.answer(GATEWAY, token(**given))
    with pytest.raises(ProviderUnavailable):
        alipay(id_kind=id_kind).exchange("C0DE")
    [record] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert f"its answer has {next(iter(given))}, and id_kind is {id_kind}" in record.getMessage()
    assert next(iter(given.values())) not in caplog.text


def test_the_profile_is_asked_for_where_the_scope_allows_it(alipay: Make, upstream: Upstream) -> None:
    upstream.answer(GATEWAY, token(open_id=OPEN_ID))
    provider = alipay(scope="auth_user")
    grant = provider.exchange("C0DE")
    said = {"code": "10000", "msg": "Success", "nick_name": "小明", "avatar": "https://tfs.alipayobjects.com/x"}
    upstream.answer(GATEWAY, signed(PROFILE_NODE, said))
    profile = provider.profile(grant)
    assert (profile.nickname, profile.avatar) == ("小明", "https://tfs.alipayobjects.com/x")
    _, form = upstream.requests[-1]
    assert (form["method"], form["auth_token"]) == ("alipay.user.info.share", "authusrB0")
    assert alipay().profile(grant).nickname == ""
    assert len(upstream.requests) == 2


def test_a_token_that_ends_early_costs_the_greeting_and_not_the_sign_in(alipay: Make, upstream: Upstream) -> None:
    upstream.answer(GATEWAY, token(open_id=OPEN_ID))
    provider = alipay(scope="auth_user")
    grant = provider.exchange("C0DE")
    upstream.answer(GATEWAY, {"error_response": {"code": "20001", "sub_code": "aop.invalid-auth-token"}})
    with pytest.raises(ProviderUnavailable):
        provider.profile(grant)
    assert binding.identify(provider, lambda: grant)[0].nickname == ""


def test_errors_are_logged_by_their_names_and_not_as_they_came(
    alipay: Make, upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    for code, sub_code in (("20000", "isp.unknow-error"), ("authusrB0", "isv.\nforged")):
        upstream.answer(GATEWAY, {"error_response": {"code": code, "sub_code": sub_code}})
        with pytest.raises(ProviderUnavailable):
            alipay().exchange("C0DE")
    assert [record.getMessage().partition("error ")[2] for record in caplog.records] == [
        "20000 isp.unknow-error",
        "unreadable",
    ]


# ---------------------------------------------------------------- apps and mini programs


def test_an_app_brings_its_code(alipay: Make, upstream: Upstream, client: Client) -> None:
    alipay(redirect_uri="")
    upstream.answer(GATEWAY, token(open_id=OPEN_ID))
    answer = client.post("/oauth/alipay/native/", {"code": "C0DE"}, content_type="application/json")
    assert answer.status_code == 200, answer.content
    assert answer.json()["access_token"]
    assert upstream.requests[0][1]["code"] == "C0DE"


def test_threat_1_a_browsers_code_is_worth_nothing_without_the_browser(
    alipay: Make, upstream: Upstream, client: Client
) -> None:
    """Otherwise a code from an address or a log would let an attacker sign in, since an app's request has no state."""
    alipay()
    upstream.answer(GATEWAY, token(open_id=OPEN_ID))
    answer = client.post("/oauth/alipay/native/", {"code": "C0DE"}, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (404, "provider_unknown")
    assert upstream.requests == []


def test_what_the_sdk_is_given_is_signed_and_made_anew_each_time(alipay: Make) -> None:
    provider = alipay(pid="2088000000000002")
    info = {name: values[0] for name, values in parse_qs(provider.sign_info(), strict_parsing=True).items()}
    sign, target = info.pop("sign"), info["target_id"]
    assert info == {
        "apiname": "com.alipay.account.auth",
        "app_id": "2021000000000009",
        "app_name": "mc",
        "auth_type": "AUTHACCOUNT",
        "biz_type": "openservice",
        "method": "alipay.open.auth.sdk.code.get",
        "pid": "2088000000000002",
        "product_id": "APP_FAST_LOGIN",
        "scope": "kuaijie",
        "sign_type": "RSA2",
        "target_id": target,
    }
    content = "&".join(f"{name}={value}" for name, value in sorted(info.items()))
    OURS.public_key().verify(base64.b64decode(sign), content.encode(), padding.PKCS1v15(), hashes.SHA256())
    assert target not in provider.sign_info()


# ---------------------------------------------------------------- the operator's settings


@pytest.mark.parametrize(
    ("private", "public"),
    [
        (private_text(OURS), public_text(THEIRS)),
        (private_text(OURS, PrivateFormat.TraditionalOpenSSL), public_text(THEIRS, PublicFormat.PKCS1)),
        (pem(private_text(OURS), "PRIVATE KEY"), pem(public_text(THEIRS), "PUBLIC KEY")),
        (
            pem(private_text(OURS, PrivateFormat.TraditionalOpenSSL), "RSA PRIVATE KEY").replace("\n", "\\n"),
            pem(public_text(THEIRS), "PUBLIC KEY").replace("\n", "\r\n"),
        ),
    ],
)
def test_keys_in_every_form_that_consoles_and_tools_write(
    alipay: Make, upstream: Upstream, private: str, public: str
) -> None:
    provider = alipay(private_key=private, alipay_public_key=public)
    assert provider.check() == []
    upstream.answer(GATEWAY, token(open_id=OPEN_ID))
    assert provider.exchange("C0DE").openid == OPEN_ID


SMALL = rsa.generate_private_key(65537, 1024)  # noqa: S505 - a weak key is what the test needs
CURVE = ec.generate_private_key(ec.SECP256R1())
CURVE_TEXT = base64.b64encode(CURVE.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())).decode()


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"private_key": private_text(OURS)[:-40]}, "private_key: it is no private RSA key of 2048 bits"),
        ({"private_key": "密钥" + private_text(OURS)}, "private_key: it is no private RSA key of 2048 bits"),
        ({"private_key": private_text(SMALL)}, "private_key: it is no private RSA key of 2048 bits"),
        ({"private_key": CURVE_TEXT}, "private_key: it is no private RSA key of 2048 bits"),
        ({"private_key": public_text(OURS)}, "private_key: it is no private RSA key of 2048 bits"),
        ({"alipay_public_key": private_text(OURS)}, "alipay_public_key: it is no public RSA key of 2048 bits"),
        ({"alipay_public_key": public_text(SMALL)}, "alipay_public_key: it is no public RSA key of 2048 bits"),
        ({"alipay_public_key": public_text(OURS)}, "alipay_public_key is your app's own"),
        ({"id_kind": "openid"}, "id_kind must be one of open_id, user_id"),
        ({"private_key": ""}, "private_key is empty"),
    ],
)
def test_a_setting_that_is_wrong_is_an_error_which_does_not_repeat_it(
    alipay: Make, changes: dict[str, str], problem: str
) -> None:
    alipay(**changes)
    found = [f"{message.id} {message.msg}" for message in checks.check_providers()]
    assert len(found) == 1
    assert found[0].startswith("phonebind.E002 ")
    assert problem in found[0]
    [value] = changes.values()
    assert not value or value == "openid" or value[40:80] not in found[0]
