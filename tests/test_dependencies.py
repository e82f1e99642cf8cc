"""A host that does not use a dependency does not load it, and need not install it."""

import importlib
import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import requires
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from phonebind import human
from phonebind.checks import check_human_check
from phonebind.exceptions import Invalid
from phonebind.human import image_codes
from phonebind.human.altcha import WithoutImage
from tests.support.edge import Configure

pytestmark = pytest.mark.once

HEAVY = ["numpy", "PIL", "altcha", "tencentcloud", "celery", "django_redis", "drf_spectacular", "corsheaders"]

#: A host with only what phonebind itself needs; argv: HUMAN_CHECK, the modules that are not installed.
HOST = """
import json, sys
mode, *missing = json.loads(sys.argv[1])
sys.modules.update(dict.fromkeys(missing))
import django
from django.conf import settings
from django.core import checks
from django.urls import include, path
OURS = ["rest_framework", "phonebind", "phonebind.pages"]
REDIS = "django.core.cache.backends.redis.RedisCache"
settings.configure(
    DEBUG=True,
    SECRET_KEY="x" * 50,
    ROOT_URLCONF="__main__",
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", *OURS],
    CACHES={"default": {"BACKEND": REDIS, "LOCATION": "redis://127.0.0.1:1/0"}},
    PHONEBIND={"HUMAN_CHECK": mode},
)
django.setup()
urlpatterns = [path("", include("phonebind.api.urls")), path("", include("phonebind.pages.urls"))]
told = {message.msg: message.id for message in checks.run_checks() if message.id == "phonebind.E007"}
loaded = [name for name in %r if sys.modules.get(name)]
print(json.dumps({"told": told, "loaded": loaded}))
"""


def host(mode: object, *missing: str) -> Any:
    command = [sys.executable, "-c", HOST % HEAVY, json.dumps([mode, *missing])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(("mode", "loaded"), [("image", []), ("altcha", ["altcha"]), ("image+altcha", ["altcha"])])
def test_the_start_loads_what_the_mode_asks_of_everybody(mode: str, loaded: list[str]) -> None:
    assert host(mode) == {"told": {}, "loaded": loaded}


@pytest.mark.parametrize(
    ("mode", "missing", "extra"),
    [
        ("image", ["numpy"], "phonebind[image]"),
        ("image", ["PIL"], "phonebind[image]"),
        ("image", ["altcha"], "phonebind[altcha]"),
        ("altcha", ["altcha"], "phonebind[altcha]"),
        ({"check": "phonebind.human.tencent.Tencent"}, ["tencentcloud"], "phonebind[tencent]"),
    ],
)
def test_a_check_names_the_extra_that_is_missing(mode: object, missing: list[str], extra: str) -> None:
    told = host(mode, *missing)["told"]
    assert list(told.values()) == ["phonebind.E007"]
    assert extra in next(iter(told))


def test_without_any_of_them_a_host_of_another_check_starts() -> None:
    assert host("altcha", "numpy", "PIL", "django_redis", "tencentcloud") == {"told": {}, "loaded": ["altcha"]}


@pytest.fixture
def cannot_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numpy", None)
    monkeypatch.delitem(sys.modules, "phonebind.human.image_drawing", raising=False)


def test_an_image_that_nobody_asks_for_and_nobody_can_draw_is_not_found(
    phonebind: Configure, cannot_draw: None
) -> None:
    phonebind(human_check="altcha")
    with pytest.raises(Invalid) as caught:
        human.draw("id", "192.0.2.1")
    assert caught.value.status == 404


def test_where_images_are_asked_for_the_operator_is_told(cannot_draw: None) -> None:
    with pytest.raises(ImportError, match=r"phonebind\[image\]"):
        human.draw("id", "192.0.2.1")
    assert "phonebind[image]" in str(check_human_check())


def test_without_cryptography_alipay_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.exceptions", None)
    monkeypatch.delitem(sys.modules, "phonebind.oauth.rsa2", raising=False)
    with pytest.raises(ImportError, match=r"pip install 'phonebind\[alipay\]'"):
        importlib.import_module("phonebind.oauth.rsa2")


def test_without_altcha_who_cannot_see_has_no_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "altcha", None)
    monkeypatch.delitem(sys.modules, "phonebind.human.altcha", raising=False)
    assert "phonebind[altcha]" in str(check_human_check())
    with pytest.raises(ImportError, match=r"phonebind\[altcha\]"):
        human.load()


def test_a_server_loads_before_it_forks(phonebind: Configure, settings: Settings, cannot_draw: None) -> None:
    phonebind(human_check="altcha")
    human.load()
    phonebind(human_check="image")
    with pytest.raises(ImportError):
        human.load()


def test_what_is_loaded_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "phonebind.human.image_drawing", raising=False)
    human.load()
    assert "phonebind.human.image_drawing" in sys.modules
    assert image_codes.is_installed()
    assert WithoutImage.tries


def test_the_extra_for_celery_brings_what_its_transport_imports() -> None:
    """We leave out kombu's own extra [redis], because it asks for another version of the client than ours. All else in
    that extra is needed.
    """
    asked = [line for line in requires("kombu") or [] if re.search(r"extra == .redis", line)]
    extras = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())["project"]
    ours = extras["optional-dependencies"]["celery"] + extras["dependencies"]
    assert {_name(line) for line in asked} - {_name(line) for line in ours} == set()


def _name(requirement: str) -> str:
    return re.split(r"[^\w-]", requirement, maxsplit=1)[0].lower()


@pytest.mark.parametrize(
    ("module", "without"),
    [
        ("phonebind.tencent_cloud", "tencentcloud.common.credential"),
        ("phonebind.sms.tencent", "tencentcloud.sms.v20210111"),
        ("phonebind.human.tencent", "tencentcloud.captcha.v20190722"),
    ],
)
def test_without_tencents_sdk_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, module: str, without: str
) -> None:
    """Each of the three packages may be the missing one."""
    for name in [name for name in sys.modules if name == module or name.startswith(without)]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, without, None)
    with pytest.raises(ImportError, match=re.escape("pip install 'phonebind[tencent]'")):
        importlib.import_module(module)
