"""The account life. Its app is installed for these tests alone (``LIFECYCLE=1``). The other tests show that a host
that does not install it pays nothing.
"""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from phonebind import life, tokens

MOBILE, PASSWORD = "13900000001", "correct-horse-8"

if not life.installed:
    # Skip the folders too: an import of the app's models makes Django look for their tables.
    collect_ignore_glob = ["*"]


class Account:
    """A person who is signed in on one device."""

    def __init__(self, user: Any, client: Client, pair: tokens.Pair) -> None:
        self.user, self.client = user, client
        self.refresh = pair["refresh"]
        self.headers = {"Authorization": f"Bearer {pair['token']}"}

    def ask(self, method: str, path: str, data: Any = None, **headers: str) -> Any:
        """Send a request of this device to the API, and return the answer."""
        send: Callable[..., Any] = getattr(self.client, method.lower())
        body = {} if data is None else data
        return send(path, body, content_type="application/json", headers={**self.headers, **headers})


@pytest.fixture
def person(db: None) -> Any:
    """A user with a mobile and a password."""
    model: Any = get_user_model()
    return model.objects.create_user(username=MOBILE, mobile=MOBILE, password=PASSWORD)


@pytest.fixture
def device() -> Callable[..., Account]:
    """Sign a user in by password, through the API, on a separate device."""

    def sign_in(username: str = MOBILE, password: str = PASSWORD, **headers: str) -> Account:
        client = Client()
        form = {"username": username, "password": password}
        answer = client.post("/authorizations/", form, content_type="application/json", headers=headers)
        assert answer.status_code == 200, answer.content
        body = answer.json()
        model: Any = get_user_model()
        return Account(model.objects.get(pk=body["id"]), client, {"token": body["token"], "refresh": body["refresh"]})

    return sign_in
