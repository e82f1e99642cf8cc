from collections.abc import Callable, Iterable, Iterator

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, reverse
from pytest_django import Settings

from phonebind.signals import image_code_issued
from phonebind_sandbox import state
from phonebind_sandbox.urls import urlpatterns


def _every(patterns: Iterable[URLPattern | URLResolver]) -> Iterator[URLPattern]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _every(pattern.url_patterns)
        else:
            yield pattern


PATHS = {str(pattern.name): dict.fromkeys(pattern.pattern.converters, "x") for pattern in _every(urlpatterns)}


@pytest.mark.parametrize("method", ["get", "post", "delete"])
@pytest.mark.parametrize("name", PATHS)
def test_threat_22_with_debug_off_there_is_no_sandbox(
    client: Client, start_with_debug: Callable[[bool], None], name: str, method: str
) -> None:
    start_with_debug(False)
    client.raise_request_exception = False
    response = getattr(client, method)(reverse(f"phonebind_sandbox:{name}", kwargs=PATHS[name]))
    assert response.status_code == 404


def test_threat_22_nothing_opens_it_later(
    client: Client, settings: Settings, start_with_debug: Callable[[bool], None]
) -> None:
    start_with_debug(False)
    settings.DEBUG = True
    assert client.get(reverse("phonebind_sandbox:index")).status_code == 404


def test_a_test_runner_does_not_shut_it(client: Client, settings: Settings) -> None:
    assert not settings.DEBUG
    assert client.get(reverse("phonebind_sandbox:index")).status_code == 200


@pytest.mark.parametrize("name", PATHS)
def test_no_page_of_another_site_has_a_name_that_leads_here(client: Client, settings: Settings, name: str) -> None:
    settings.MIDDLEWARE = []  # with any middleware of the host
    url = reverse(f"phonebind_sandbox:{name}", kwargs=PATHS[name])
    for host in ("evil.example", "127.0.0.1.evil.example", "evil.example:9000"):
        assert client.get(url, headers={"host": host}).status_code == 400
    assert client.get(url, headers={"host": "localhost:9000"}).status_code == client.get(url).status_code


def test_with_debug_off_no_image_code_is_kept(start_with_debug: Callable[[bool], None]) -> None:
    start_with_debug(False)
    image_code_issued.send(None, image_code_id="abc", text="7KMP")
    assert state.get("image_code", "abc") is None


@pytest.mark.parametrize("name", PATHS)
def test_every_view_says_which_methods_it_takes(client: Client, name: str) -> None:
    response = client.patch(reverse(f"phonebind_sandbox:{name}", kwargs=PATHS[name]))
    assert response.status_code == 405
    assert response.headers["Allow"]


@pytest.mark.parametrize("name", ["index", "inbox", "faults"])
def test_pages_are_strict_and_not_kept(client: Client, name: str) -> None:
    response = client.get(reverse(f"phonebind_sandbox:{name}"))
    assert response.status_code == 200
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "form-action" not in policy  # Chromium would stop the way back to the app
    assert response.headers["Cache-Control"] == "no-store"


def test_scripts_need_no_csrf_token() -> None:
    client = Client(enforce_csrf_checks=True)
    assert client.post(reverse("phonebind_sandbox:faults"), {"reset": "1"}).status_code == 302
