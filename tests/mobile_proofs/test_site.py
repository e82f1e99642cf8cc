"""What ``make run`` serves: the sandbox is the app, the carrier and the vendor."""

from collections.abc import Callable

import pytest

from tests.support.visitor import Visitor


@pytest.mark.parametrize(
    ("source", "carrier", "person"), [("aliyun", "mobile", "xiaolan"), ("tencent", "unicom", "fox")]
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
