"""The requests to each vendor, and the meaning of the answers."""

import json
import logging
from hashlib import sha256
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import pytest

from phonebind import mobile_proofs
from phonebind.exceptions import MobileProofInvalid, MobileProofUnavailable, PhonebindError
from phonebind.mobile_proofs.aliyun import Aliyun
from phonebind.mobile_proofs.tencent import Tencent
from phonebind.mobile_proofs.wechat import WeChat
from phonebind.oauth import Identity
from tests.mobile_proofs import mini_programs
from tests.support.edge import Configure, Upstream
from tests.support.wire import FAULTS, reach

MOBILE = "13900000001"
ME = Identity("qq", "101000001", "A" * 32)
SECRETS = ("TOKEN", "sEcReT", MOBILE)


class Vendor:
    """One of the vendors, at the test's own server."""

    def __init__(self, name: str, url: str) -> None:
        self.is_aliyun = name == "aliyun"
        self.path = "/aliyun" if self.is_aliyun else "/tencent"
        options: dict[str, Any] = {"endpoint": f"{url}{self.path}"}
        if self.is_aliyun:
            self.source: Any = Aliyun(access_key_id="id", access_key_secret="sEcReT", **options)
        else:
            self.source = Tencent(sdk_app_id="1400000002", app_key="sEcReT", **options)

    def good(self, mobile: object = MOBILE) -> dict[str, Any]:
        if self.is_aliyun:
            return {"Code": "OK", "GetMobileResultDTO": {"Mobile": mobile}, "RequestId": "R"}
        return {"result": 0, "errmsg": "", "mobile": mobile}

    def verify(self) -> str:
        return cast("str", self.source.verify("TOKEN", ME, carrier="mobile"))


@pytest.fixture(params=["aliyun", "tencent"])
def vendor(request: pytest.FixtureRequest, upstream: Upstream) -> Vendor:
    return Vendor(request.param, upstream.url)


@pytest.mark.parametrize("mobile", [MOBILE, int(MOBILE), f"86{MOBILE}", f"+86{MOBILE}"], ids=repr)
def test_the_number_may_be_written_in_several_ways(vendor: Vendor, upstream: Upstream, mobile: object) -> None:
    upstream.answer(vendor.path, vendor.good(mobile))
    assert vendor.verify() == MOBILE
    assert len(upstream.requests) == 1


@pytest.mark.parametrize(
    "mobile", ["", None, "1390000000", "85290000001", "12900000001", 1.39e10, [MOBILE], True], ids=repr
)
def test_an_answer_without_a_mobile_is_none(vendor: Vendor, upstream: Upstream, mobile: object) -> None:
    upstream.answer(vendor.path, vendor.good(mobile))
    with pytest.raises(MobileProofUnavailable):
        vendor.verify()


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"null", b"<html>", b'{"Code":"OK"}', b'{"result":"x"}', b"\xff"])
def test_threat_19_garbage_proves_no_mobile(vendor: Vendor, upstream: Upstream, body: bytes) -> None:
    for status in (200, 502):
        upstream.answer(vendor.path, body, status=status)
        with pytest.raises(MobileProofUnavailable):
            vendor.verify()


@pytest.mark.parametrize("fault", FAULTS)
def test_threat_19_a_vendor_that_fails_is_asked_once_and_over_in_time(fault: str, phonebind: Configure) -> None:
    phonebind(connect_timeout=0.2, total_timeout=0.4)

    def ask(url: str) -> None:
        with pytest.raises(MobileProofUnavailable):
            Vendor("aliyun", url).verify()

    assert len(reach(FAULTS[fault], ask).requests) == 1


# ---------------------------------------------------------------- Aliyun


def aliyun_says(upstream: Upstream, code: str, status: int = 200) -> PhonebindError:
    upstream.answer("/aliyun", {"Code": code, "Message": f"about TOKEN and {MOBILE}"}, status=status)
    with pytest.raises(PhonebindError) as refused:
        Vendor("aliyun", upstream.url).verify()
    return refused.value


def test_aliyun_is_asked_for_the_token_alone(upstream: Upstream) -> None:
    upstream.answer("/aliyun", Vendor("aliyun", upstream.url).good())
    Vendor("aliyun", upstream.url).verify()
    [(headers, body)] = upstream.raw
    assert body == b"AccessToken=TOKEN"
    assert (headers["x-acs-action"], headers["x-acs-version"]) == ("GetMobile", "2017-05-25")


@pytest.mark.parametrize(
    "code", ["isv.TOKEN_INVALID", "isv.TOKEN_UNAUTHORIZED_USED", "isv.ACCESS_CODE_ILLEGAL", "isv.CSRF_CHECK_FAILED"]
)
def test_what_another_token_repairs(upstream: Upstream, caplog: pytest.LogCaptureFixture, code: str) -> None:
    assert isinstance(aliyun_says(upstream, code), MobileProofInvalid)
    assert caplog.records == []


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("isv.VERIFY_SCHEME_NOT_EXIST", 200),
        ("isv.PACK_SIGN_CONFLICT", 200),
        ("isv.BUNDLE_ID_CONFLICT", 200),
        ("isv.RAM_PERMISSION_DENY", 200),
        ("isv.PRODUCT_UN_SUBSCRIPT", 200),
        ("isv.OUT_OF_SERVICE", 200),
        ("isv.ACCOUNT_ABNORMAL", 200),
        ("isv.INVALID_PARAMETERS", 200),
        ("isp.OPERATOR_LIMIT", 200),
        ("InvalidAccessKeyId.NotFound", 404),
        ("SignatureDoesNotMatch", 400),
        ("InvalidTimeStamp.Expired", 400),
        ("Forbidden.RAM", 403),
    ],
)
def test_what_the_operator_repairs_is_said_once(
    upstream: Upstream, caplog: pytest.LogCaptureFixture, code: str, status: int
) -> None:
    for _ in range(2):
        error = aliyun_says(upstream, code, status)
        assert isinstance(error, MobileProofUnavailable)
        assert error.answered, "it cost nothing"
    [record] = caplog.records
    assert (record.levelno, code in record.getMessage()) == (logging.ERROR, True)


@pytest.mark.parametrize("code", ["isp.SYSTEM_ERROR", "isv.NEW_CODE", "ok", "TOKEN " * 30, "错误"])
def test_what_is_in_no_list_is_the_vendors(upstream: Upstream, caplog: pytest.LogCaptureFixture, code: str) -> None:
    assert isinstance(aliyun_says(upstream, code), MobileProofUnavailable)
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert not [secret for secret in SECRETS if secret in caplog.text]


# ---------------------------------------------------------------- Tencent


def test_tencent_is_asked_as_it_documents(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    vendor = Vendor("tencent", upstream.url)
    asked: list[str] = []
    ask = vendor.source.ask

    def watched(self: Tencent, url: str, *rest: Any) -> Any:
        asked.append(url)
        return ask(url, *rest)

    monkeypatch.setattr(Tencent, "ask", watched)
    upstream.answer(vendor.path, vendor.good())
    assert vendor.verify() == MOBILE
    query = {name: values[0] for name, values in parse_qs(urlsplit(asked[0]).query).items()}
    [(_, body)] = upstream.raw
    form = json.loads(body)
    signed = f"appkey=sEcReT&random={query['random']}&time={form['time']}"
    assert form["sig"] == sha256(signed.encode()).hexdigest()
    assert (query["sdkappid"], form["carrier"], form["token"]) == ("1400000002", "mobile", "TOKEN")
    assert query.keys() == {"sdkappid", "random"}
    assert form.keys() == {"sig", "time", "carrier", "token"}


@pytest.mark.parametrize("carrier", ["", "vodafone", "Mobile"])
def test_tencent_is_not_asked_about_a_carrier_that_there_is_not(upstream: Upstream, carrier: str) -> None:
    with pytest.raises(MobileProofInvalid):
        Vendor("tencent", upstream.url).source.verify("TOKEN", ME, carrier=carrier)
    assert upstream.requests == []


@pytest.mark.parametrize(("result", "level"), [(1001, logging.ERROR), ("1006", logging.ERROR), (1030, logging.WARNING)])
def test_what_tencent_refuses(upstream: Upstream, caplog: pytest.LogCaptureFixture, result: object, level: int) -> None:
    upstream.answer("/tencent", {"result": result, "errmsg": f"about TOKEN of {MOBILE}"})
    with pytest.raises(MobileProofUnavailable):
        Vendor("tencent", upstream.url).verify()
    assert [record.levelno for record in caplog.records] == [level]
    assert not [secret for secret in SECRETS if secret in caplog.text]


# ---------------------------------------------------------------- WeChat


MINI_PROGRAM = {"provider": "tests.mobile_proofs.mini_programs.MiniProgram", "client_id": mini_programs.APP_ID}
IN_WECHAT = Identity("wechat", mini_programs.APP_ID, mini_programs.OPENID)


@pytest.fixture
def wechat(phonebind: Configure) -> WeChat:
    providers = {**phonebind.settings.PHONEBIND["PROVIDERS"], "mini": MINI_PROGRAM}
    phonebind.settings.PHONEBIND = phonebind.settings.PHONEBIND | {"PROVIDERS": providers}
    mini_programs.MiniProgram.asked.clear()
    return WeChat(provider="mini")


def test_wechat_is_asked_whether_the_code_is_this_persons(wechat: WeChat) -> None:
    assert wechat.verify("GOOD", IN_WECHAT) == MOBILE
    assert mini_programs.MiniProgram.asked == [("GOOD", mini_programs.OPENID)]
    assert wechat.strength == "quick"


@pytest.mark.parametrize(("code", "error"), [("bad", MobileProofInvalid), ("down", MobileProofUnavailable)])
def test_what_wechat_refuses(wechat: WeChat, code: str, error: type[PhonebindError]) -> None:
    with pytest.raises(error):
        wechat.verify(code, IN_WECHAT)


@pytest.mark.parametrize(
    "other",
    [
        ME,
        Identity("wechat", "wx0000000000000002", mini_programs.OPENID),
        Identity("qq", mini_programs.APP_ID, mini_programs.OPENID),
    ],
)
def test_threat_8_wechat_is_not_asked_about_people_of_another_app(wechat: WeChat, other: Identity) -> None:
    with pytest.raises(MobileProofInvalid):
        wechat.verify("GOOD", other)
    assert mini_programs.MiniProgram.asked == []


def test_a_provider_that_tells_no_mobiles_proves_none(phonebind: Configure) -> None:
    with pytest.raises(MobileProofInvalid):
        WeChat(provider="qq").verify("GOOD", ME)


# ---------------------------------------------------------------- the registry


def test_a_source_is_named_by_its_word_or_its_path(phonebind: Configure) -> None:
    keys = {"access_key_id": "id", "access_key_secret": "secret"}
    path = "phonebind.mobile_proofs.aliyun.Aliyun"
    phonebind(mobile_proofs={"aliyun": keys, "second": {"source": "aliyun", **keys}, "own": {"source": path, **keys}})
    assert [type(mobile_proofs.get(name)) for name in ("aliyun", "second", "own")] == [Aliyun] * 3
