"""Every SMS gateway by its name: in the demo through the sandbox, in production with the values of
a vendor's console.
"""

import json
import re
import time
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest

from phonebind.sms import GATEWAYS
from server import demo
from tests.server.test_production import AS_IT_IS, get, gunicorn
from tests.server.test_settings import PRODUCTION, run, start
from tests.support.services import valkey_server
from tests.support.site import serve
from tests.support.visitor import Visitor

MOBILE, PASSWORD = "13911120001", "horse-staple-9"
#: Values that no environment has by default.
ALIYUN = {"access_key_id": "LTAI5t", "access_key_secret": "s3cret", "sign_name": "示例商城"}
OPTIONS: dict[str, dict[str, Any]] = {
    "aliyun-pnvs": ALIYUN,
    "aliyun": {**ALIYUN, "templates": {"bind": {"zh-hans": "SMS_1", "en": "SMS_2"}}},
    "tencent": {
        "secret_id": "AKID",
        "secret_key": "s3cret",
        "sdk_app_id": "1400006666",
        "sign_name": "示例商城",
        "templates": "1110",
    },
    "yuntongxun": {"account_sid": "8a", "auth_token": "s3cret", "app_id": "8b", "templates": "1"},
    "http": {"endpoint": "https://sms.example.cn/send", "secret": "whsec_cGhvbmViaW5kLXNlY3JldC0wMTIzNDU2Nzg5"},
}
OPTIONS["failover"] = {"gateways": [{"gateway": name, **OPTIONS[name]} for name in ("aliyun-pnvs", "tencent")]}
OPTIONS["celery"] = {"app": "tests.support.celery_app.app", "via": {"gateway": "aliyun-pnvs", **ALIYUN}}


def sms_setting(**environ: str) -> dict[str, Any]:
    code = "import json; from server.settings import PHONEBIND; print(json.dumps(PHONEBIND['SMS']))"
    answer = run(code, DEBUG="1", **environ)
    assert answer.stdout, answer.stderr
    return dict(json.loads(answer.stdout))


def test_every_gateway_but_the_queue_needs_no_settings_in_the_demo() -> None:
    """The queue needs a worker."""
    assert demo.sms_gateways("").keys() == GATEWAYS.keys() - {"celery"}


def test_without_a_name_the_demo_has_the_sandboxs_inbox() -> None:
    sandbox = {"gateway": "sandbox", "url": "http://127.0.0.1:8000/sandbox/sms/"}
    assert sms_setting() == sms_setting(SMS_GATEWAY="sandbox") == sandbox
    assert sms_setting(SANDBOX="0", QQ_CLIENT_ID="1", QQ_CLIENT_SECRET="2") == {"gateway": "console"}


def test_what_is_named_in_the_demo_is_used() -> None:
    assert sms_setting(SMS_GATEWAY="aliyun")["endpoint"] == "http://127.0.0.1:8000/sandbox/aliyun/"
    assert sms_setting(SMS_GATEWAY="shop.sms.Example") == {"gateway": "shop.sms.Example"}
    real = sms_setting(SMS_GATEWAY="aliyun-pnvs", SMS_OPTIONS=json.dumps(ALIYUN))
    assert real == {"gateway": "aliyun-pnvs", **ALIYUN}


def test_a_name_that_is_none_ends_the_demo_with_one_line(tmp_path: Path) -> None:
    answer = start("-m", "server.run", DATA_DIR=str(tmp_path), PORT="0", SMS_GATEWAY="aliyun-sms")
    assert answer.returncode == 1
    assert "there is no gateway 'aliyun-sms'; known are aliyun-pnvs, aliyun, tencent" in answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize("name", sorted(demo.sms_gateways("").keys() - {"console"}))
def test_a_person_signs_in_through_it_in_the_demo(tmp_path: Path, name: str) -> None:
    with serve(tmp_path, SMS_GATEWAY=name, WORKERS="1") as url:
        visitor = Visitor(url, language="zh-hans")
        ticket = visitor.arrive("xiaolan").data["access_token"]
        assert visitor.bind(MOBILE, PASSWORD, ticket=ticket).status == 201
        [message] = visitor.get("/sandbox/inbox.json", mobile=MOBILE).data
        assert message["vendor"] == ("aliyun-pnvs" if name == "failover" else name)
    log = (tmp_path / "log").read_text()
    assert not re.search("WARNING|ERROR|Traceback", log)
    assert message["code"] not in log


@pytest.mark.parametrize("name", OPTIONS)
def test_production_starts_with_what_the_console_gives(tmp_path: Path, name: str) -> None:
    environ = production(tmp_path, name, OPTIONS[name])
    with gunicorn(AS_IT_IS, environ, tmp_path / "log") as (port, process):
        deadline = time.monotonic() + 60
        status = 0
        while status != 200 and process.poll() is None and time.monotonic() < deadline:
            try:
                status = get(port, "/login/")[0].status
            except (OSError, HTTPException):
                continue
    assert (status, (tmp_path / "log").read_text()) == (200, "")


@pytest.mark.parametrize("name", OPTIONS)
def test_production_says_in_a_line_what_is_missing(tmp_path: Path, name: str) -> None:
    environ = production(tmp_path, name, {})
    answer = start(*AS_IT_IS[1:], **environ)
    assert answer.returncode == 1
    [line] = [line for line in answer.stderr.splitlines() if "phonebind.E005" in line]
    assert "missing" in line
    assert "Traceback" not in answer.stderr


def production(data: Path, gateway: str, options: dict[str, Any]) -> dict[str, str]:
    return PRODUCTION | {
        "DATA_DIR": str(data / "data"),
        "STATIC_ROOT": str(data / "static"),
        "REDIS_URL": valkey_server().url.replace("db=0", "db=2"),
        "SMS_GATEWAY": gateway,
        "SMS_OPTIONS": json.dumps(options),
        "TRUSTED_PROXIES": "1",
        "WORKERS": "1",
    }
