"""The reference server's settings, where the account life is installed."""

import pytest

from phonebind import sms
from phonebind.checks import check_gateway
from server import demo
from tests.support.edge import Configure

GATEWAYS = demo.sms_gateways("http://127.0.0.1:8000/sandbox")


def test_one_template_for_all_purposes_would_name_none(phonebind: Configure) -> None:
    phonebind(sms={**GATEWAYS["aliyun"], "templates": "SMS_154950909"})
    assert sms.get().check() == ["templates must be a dict by purpose: each SMS says what its code is for"]


@pytest.mark.parametrize("name", sorted(GATEWAYS.keys() - {"console", "sandbox"}))
def test_each_gateway_of_the_demo_has_a_template_for_each_purpose(phonebind: Configure, name: str) -> None:
    phonebind(sms=GATEWAYS[name])
    assert sms.get().check() == []
    assert check_gateway() == []
