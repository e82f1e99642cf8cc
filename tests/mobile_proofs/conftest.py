"""Aliyun as the source that proves mobile numbers. The test controls its answers."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.edge import Configure, Person, Upstream

MOBILE = "13900000001"
ALIYUN = {"access_key_id": "id", "access_key_secret": "secret"}


@pytest.fixture
def aliyun(qq: Upstream, phonebind: Configure) -> Upstream:
    """QQ and Aliyun on one server. Aliyun returns MOBILE for every token."""
    phonebind(mobile_proofs={"aliyun": {**ALIYUN, "endpoint": f"{qq.url}/aliyun"}})
    qq.answer("/aliyun", {"Code": "OK", "GetMobileResultDTO": {"Mobile": MOBILE}})
    return qq


@pytest.fixture
def prove(person: Person) -> Callable[..., Any]:
    """The request of the app after the tap."""

    def post(ticket: str, token: str = "TOKEN", source: str = "aliyun", **more: Any) -> Any:
        form = {"source": source, "token": token, "access_token": ticket, **more}
        return person.http.post("/mobile_proofs/", form, content_type="application/json")

    return post
