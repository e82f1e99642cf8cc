"""phonebind's own client with the emulated Alipay, over real HTTP: the result of each switch."""

from collections.abc import Callable, Iterator
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from pytest_django import Settings

from phonebind import oauth
from phonebind.exceptions import CodeInvalid, ProviderUnavailable
from phonebind.oauth.alipay import Alipay
from phonebind_sandbox import conf, faults
from phonebind_sandbox.people import PEOPLE
from server import demo
from tests.sandbox.server import serve

pytestmark = [pytest.mark.django_db, pytest.mark.once]

XIAOLAN = PEOPLE["xiaolan"]
STATE = "0123456789abcdef" * 2

Make = Callable[..., Alipay]


@pytest.fixture
def served() -> Iterator[str]:
    """The mounted sandbox: the client needs the host's cache. The sandbox alone has none."""
    with serve(None) as url:
        yield url


@pytest.fixture
def alipay(served: str, settings: Settings) -> Make:
    def make(**changes: str) -> Alipay:
        entry = demo.providers(served.rstrip("/"), "http://127.0.0.1:8000/login/{}/callback/")["alipay"]
        settings.PHONEBIND = {**settings.PHONEBIND, "PROVIDERS": {"alipay": {**entry, **changes}}}
        made = oauth.get("alipay")
        assert isinstance(made, Alipay)
        assert made.check() == []
        return made

    return make


def code(provider: Alipay) -> str:
    """Press xiaolan's button."""
    url = provider.login_url(STATE)
    with requests.Session() as browser:
        assert browser.get(url, timeout=5).status_code == 200
        answer = browser.post(url, {"person": "xiaolan"}, allow_redirects=False, timeout=5)
    query = dict(parse_qsl(urlsplit(answer.headers["Location"]).query))
    assert query["state"] == STATE
    return query["auth_code"]


def test_somebody_signs_in_once_with_a_code(alipay: Make) -> None:
    provider = alipay()
    mine = code(provider)
    grant = provider.exchange(mine)
    app = conf.apps("alipay")[provider.settings.client_id]
    assert (grant.openid, grant.unionid) == (XIAOLAN.alipay_open_id(app), XIAOLAN.alipay_union_id(app))
    profile = provider.profile(grant)
    assert (profile.nickname, profile.avatar) == ("小兰", "https://avatar.sandbox.invalid/xiaolan/100")
    with pytest.raises(CodeInvalid):
        provider.exchange(mine)


def test_an_app_signs_in_with_what_its_sdk_was_given(alipay: Make, served: str) -> None:
    provider = alipay(pid="2088000000000002")
    query = {"person": "xiaolan", "info": provider.sign_info()}
    answer = requests.get(f"{served}alipay/sdk", query, timeout=5)
    assert provider.verify(answer.json()["auth_code"]).openid == provider.exchange(code(provider)).openid


@pytest.mark.parametrize(
    "switches",
    [
        {"alipay_layout": "sign_first"},
        {"alipay_layout": "spaces"},
        {"alipay_numbers": "string"},
        {"alipay_id": "both"},
        {"alipay_charset": "GBK"},
    ],
)
def test_what_does_not_matter(alipay: Make, switches: dict[str, str]) -> None:
    faults.write(switches)
    provider = alipay()
    grant = provider.exchange(code(provider))
    assert grant.openid == XIAOLAN.alipay_open_id(conf.apps("alipay")[provider.settings.client_id])
    assert provider.profile(grant).nickname == "小兰"


@pytest.mark.parametrize(
    ("switches", "error", "logged"),
    [
        ({"alipay_sign": "wrong"}, ProviderUnavailable, "does not fit alipay_public_key"),
        ({"alipay_sign": "other_node"}, ProviderUnavailable, "does not fit alipay_public_key"),
        ({"alipay_sign": "missing"}, ProviderUnavailable, "not signed"),
        ({"alipay_id": "user_id"}, ProviderUnavailable, "its answer has user_id, and id_kind is open_id"),
        ({"alipay_id": "none"}, ProviderUnavailable, "without an id"),
        ({"alipay_token_error": "isv.code-invalid"}, CodeInvalid, ""),
        ({"alipay_token_error": "isv.code-invalid", "alipay_error_node": "own"}, CodeInvalid, ""),
        ({"alipay_token_error": "isv.invalid-signature"}, ProviderUnavailable, "error isv.invalid-signature"),
        ({"alipay_token_error": "isp.unknow-error"}, ProviderUnavailable, "error 20000 isp.unknow-error"),
        ({"alipay_network": "html"}, ProviderUnavailable, "no answer to what was asked"),
        ({"clock_skew": 1000}, ProviderUnavailable, "error isv.invalid-timestamp"),
    ],
)
def test_what_does(
    alipay: Make,
    switches: dict[str, faults.Value],
    error: type[Exception],
    logged: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    provider = alipay()
    mine = code(provider)
    faults.write(switches)
    with pytest.raises(error):
        provider.exchange(mine)
    assert logged in caplog.text


def test_one_person_is_one_user_id_to_all_apps(alipay: Make) -> None:
    faults.write({"alipay_id": "user_id"})
    for client_id in conf.apps("alipay"):
        provider = alipay(id_kind="user_id", client_id=client_id)
        assert (provider.app_id, provider.exchange(code(provider)).openid) == ("alipay", XIAOLAN.alipay_user_id)
