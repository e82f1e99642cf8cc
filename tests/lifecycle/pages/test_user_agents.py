"""Names of devices in plain words."""

import pytest
from django.utils import translation

from phonebind.lifecycle.pages import user_agents
from tests.support import ways

IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0 Safari/537.36"


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (ways.PHONE, "Chrome on Android"),
        (ways.DESKTOP, "Chrome on Linux"),
        (ways.IN_WECHAT, "WeChat on Android"),
        (ways.IN_QQ, "QQ on Android"),
        (ways.IN_ANOTHER_BROWSER_OF_QQ, "QQ Browser on Android"),
        (f"{IPHONE} Version/18.1 Mobile/15E148 Safari/604.1", "Safari on iPhone"),
        (f"{IPHONE} CriOS/150.0 Mobile/15E148 Safari/604.1", "Chrome on iPhone"),
        (f"{WINDOWS} Edg/150.0", "Edge on Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox on Mac"),
        ("shop/1.0 (iPhone)", "iPhone"),
        ("okhttp/4.12", "Unknown device"),
        ("", "Unknown device"),
    ],
)
def test_a_device_has_a_name(user_agent: str, name: str) -> None:
    with translation.override("en"):
        assert user_agents.name(user_agent) == name
