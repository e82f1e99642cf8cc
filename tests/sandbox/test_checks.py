from collections.abc import Callable

import pytest
from django.core.checks import run_checks
from pytest_django import Settings


def _ids() -> set[str | None]:
    return {message.id for message in run_checks() if str(message.id).startswith("phonebind_sandbox.")}


def test_no_complaint_in_development_with_a_shared_cache() -> None:
    assert _ids() == set()


def test_threat_22_e001_installed_with_debug_off(start_with_debug: Callable[[bool], None]) -> None:
    start_with_debug(False)
    assert _ids() == {"phonebind_sandbox.E001"}


@pytest.mark.parametrize(
    "receipts",
    [
        {"yuntongxun": "http://127.0.0.1:8000/"},
        {"aliyun": "127.0.0.1:8000"},
        {"aliyun": "ftp://127.0.0.1/"},
        {"http": ""},
    ],
    ids=str,
)
def test_e002_receipts_that_go_nowhere(settings: Settings, receipts: dict[str, str]) -> None:
    settings.PHONEBIND_SANDBOX = {"RECEIPTS": {"tencent": "https://shop.example/sms/receipts/x", **receipts}}
    assert _ids() == {"phonebind_sandbox.E002"}


@pytest.mark.parametrize("backend", ["locmem.LocMemCache", "dummy.DummyCache"])
def test_w001_a_cache_of_one_process(settings: Settings, backend: str) -> None:
    settings.CACHES = {**settings.CACHES, "alone": {"BACKEND": f"django.core.cache.backends.{backend}"}}
    settings.PHONEBIND_SANDBOX = {"CACHE": "alone"}
    assert _ids() == {"phonebind_sandbox.W001"}
