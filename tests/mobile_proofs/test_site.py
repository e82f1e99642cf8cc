"""The site of ``make run``: the sandbox plays the app, the carrier and the vendor."""

from collections.abc import Callable

import pytest

from tests.support.visitor import Visitor

MINI_PROGRAM = "wx4444444444444444"


@pytest.mark.parametrize(
    ("source", "carrier", "person"), [("aliyun", "mobile", "liming"), ("tencent", "unicom", "fox")]
)
def test_a_person_binds_by_one_tap_and_comes_back(
    visitor: Visitor, new_mobile: Callable[[], str], source: str, carrier: str, person: str
) -> None:
    mobile = new_mobile()
    ticket = visitor.arrive(person).data["access_token"]
    tapped = visitor.get("/sandbox/one-tap/token", source=source, mobile=mobile, carrier=carrier).data
    form = {"source": source, "token": tapped["token"], "carrier": carrier, "access_token": ticket}
    proved = visitor.post("/mobile_proofs/", **form)
    assert (proved.status, proved.data["mobile"]) == (200, f"{mobile[:3]}****{mobile[7:]}")
    assert visitor.post("/mobile_proofs/", **form).status in (400, 503), "a token serves once"
    bound = visitor.post("/oauth/qq/user/", mobile_proof=proved.data["mobile_proof"], access_token=ticket)
    assert (bound.status, bound.data["username"]) == (201, mobile)
    assert visitor.arrive(person).data["id"] == bound.data["id"]


def wechat(visitor: Visitor, what: str, person: str) -> str:
    """What a mini program gets from ``wx.login`` ("code") or from its phone button ("phone_code")."""
    return str(visitor.get(f"/sandbox/wechat/sdk/{what}", appid=MINI_PROGRAM, person=person).data["code"])


def test_a_person_binds_by_the_phone_button_of_wechat(visitor: Visitor) -> None:
    ticket = visitor.post("/oauth/wechat_miniprogram/native/", code=wechat(visitor, "code", "sam")).data["access_token"]
    form = {"source": "wechat", "access_token": ticket}
    others = visitor.post("/mobile_proofs/", token=wechat(visitor, "phone_code", "fox"), **form)
    assert (others.status, others.data["code"]) == (400, "mobile_proof_invalid"), "somebody else's tap"
    proved = visitor.post("/mobile_proofs/", token=wechat(visitor, "phone_code", "sam"), **form)
    assert (proved.status, proved.data["strength"]) == (200, "quick")
    bind = {"mobile_proof": proved.data["mobile_proof"], "access_token": ticket}
    bound = visitor.post("/oauth/wechat_miniprogram/user/", **bind)
    assert bound.status == 201, bound
    back = visitor.post("/oauth/wechat_miniprogram/native/", code=wechat(visitor, "code", "sam"))
    assert back.data["id"] == bound.data["id"]
    assert visitor.post("/oauth/wechat_miniprogram/user/", **bind).status == 201, "the same bind again"


def test_a_ticket_of_another_provider_proves_nothing_at_wechat(visitor: Visitor) -> None:
    ticket = visitor.arrive("nameless").data["access_token"]
    form = {"source": "wechat", "token": wechat(visitor, "phone_code", "nameless"), "access_token": ticket}
    answer = visitor.post("/mobile_proofs/", **form)
    assert (answer.status, answer.data["code"]) == (400, "mobile_proof_invalid")
