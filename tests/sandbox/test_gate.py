import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from phonebind.signals import image_code_issued
from phonebind_sandbox import state
from phonebind_sandbox.urls import urlpatterns

PATHS = {str(pattern.name): {"image_code_id": "x"} if pattern.name == "image_code" else {} for pattern in urlpatterns}


@pytest.mark.parametrize("method", ["get", "post", "delete"])
@pytest.mark.parametrize("name", PATHS)
def test_threat_22_with_debug_off_there_is_no_sandbox(
    client: Client, settings: Settings, name: str, method: str
) -> None:
    settings.DEBUG = False
    client.raise_request_exception = False
    response = getattr(client, method)(reverse(f"phonebind_sandbox:{name}", kwargs=PATHS[name]))
    assert response.status_code == 404


def test_with_debug_off_no_image_code_is_kept(settings: Settings) -> None:
    settings.DEBUG = False
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
