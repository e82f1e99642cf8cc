"""The fake for the tests of a host. It acts as a person at QQ, at the site, and with a phone."""

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.cache import caches
from django.test import Client, override_settings
from django.urls import reverse

from phonebind import human, oauth, signals, store
from phonebind.conf import SETTING, conf
from phonebind.exceptions import StorageUnavailable
from phonebind.models import SocialAccount
from phonebind.sms import Message
from phonebind.testing.edge import PRESENT, Outbox, Person, Presence, serving
from phonebind.testing.guard import refuse_outside_tests

#: The alias in ``CACHES`` while a :class:`FakeQQ` is active.
CACHE = "phonebind-testing"
_APP = {
    "client_id": "phonebind-testing",
    "client_secret": "phonebind-testing",
    "redirect_uri": "http://testserver/login/qq/callback/",
}


class FakeQQ:
    """A context manager. Inside it QQ and the SMS gateway are fakes, limits are fresh, and images can be read.

    ``outbox`` is a list of all SMS, oldest first; each has ``mobile``, ``code``, ``minutes`` and ``text``. At the end,
    also after an exception, everything is as before. ``**request`` of the methods goes to Django's test client
    (``secure=True``, ``headers={…}``).

    Raises RuntimeError outside of a test run, and StorageUnavailable if no Valkey or Redis answers.
    """

    def __init__(self) -> None:
        refuse_outside_tests()
        #: The SMS that were sent, oldest first: ``mobile``, ``code``, ``minutes``, ``text``.
        self.outbox: list[Message] = []
        self._images: dict[str, str] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._server = stack.enter_context(serving())
            url = f"http://127.0.0.1:{self._server.server_port}"
            stack.enter_context(override_settings(CACHES={**settings.CACHES, CACHE: _own_cache()}))
            stack.enter_context(override_settings(**{SETTING: self._settings(url)}))
            stack.enter_context(_emptied_at_the_end())
            signals.image_code_issued.connect(self._see)
            stack.callback(signals.image_code_issued.disconnect, self._see)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()

    # ------------------------------------------------------------ at QQ

    def click(self, login_url: str, person: Person) -> str:
        """Sign ``person`` in at ``login_url``. Returns the address to which QQ sends the browser back."""
        asked = dict(parse_qsl(urlsplit(login_url).query))
        code = self._server.issue_code(person)
        return f"{asked['redirect_uri']}?code={code}&state={asked['state']}"

    # ------------------------------------------------------------ at the site

    def arrive(self, client: Client, person: Person, *, next: str = "/", pages: bool = False, **request: Any) -> Any:  # noqa: A002
        """Go to QQ and come back. Returns the answer to the callback.

        The API answers ``{token, …}`` for a person who is bound, and ``{access_token, …}`` for a new one. With
        ``pages`` the pages answer: a redirect to ``next``, or to the form.
        """
        start, callback = _ADDRESSES[pages]
        begun = client.get(reverse(start, args=["qq"]), {"next": next}, **request)
        if begun.status_code not in {200, 303}:
            raise AssertionError(f"the sign-in did not begin: {begun.status_code} {begun.content.decode()}")
        login_url = begun.headers["Location"] if pages else begun.json()["login_url"]
        query = urlsplit(self.click(login_url, person)).query
        return client.get(f"{reverse(callback, args=['qq'])}?{query}", **request)

    def sign_in(
        self,
        client: Client,
        user: AbstractBaseUser,
        *,
        next: str = "/",  # noqa: A002
        pages: bool = False,
        **request: Any,
    ) -> Any:
        """Sign ``user`` in with QQ; they are bound first if they are not yet.

        The answer has the tokens. With ``pages``, the client has the session.
        """
        answer = self.arrive(client, _person_of(user), next=next, pages=pages, **request)
        came_in = answer.status_code == 303 if pages else "token" in answer.json()
        if not came_in:
            raise AssertionError(f"{user} did not sign in: {answer.status_code} {answer.content.decode()}")
        return answer

    def send_code(self, client: Client, mobile: str, access_token: str = "", **request: Any) -> str:
        """Read an image, request an SMS, and return its code. ``access_token`` is from the answer to a new person."""
        asked = {"access_token": access_token, "human_check": PRESENT}
        if human.mode().image:
            image = str(uuid4())
            client.get(reverse("phonebind:image_code", args=[image]), **request)
            asked |= {"image_code_id": image, "text": self.image_text(image)}
        answer = client.get(reverse("phonebind:sms_code", args=[mobile]), asked, **request)
        if answer.status_code != 200:
            raise AssertionError(f"no SMS to {mobile}: {answer.status_code} {answer.content.decode()}")
        return self.read_code(mobile)

    def bind(self, client: Client, person: Person, mobile: str, password: str, **request: Any) -> Any:
        """The whole first sign-in at the API. Returns the answer: 201 with tokens, or an error."""
        ticket = self.arrive(client, person, **request).json()["access_token"]
        code = self.send_code(client, mobile, ticket, **request)
        form = {"mobile": mobile, "password": password, "sms_code": code, "access_token": ticket}
        return client.post(reverse("phonebind:oauth_user", args=["qq"]), form, **request)

    # ------------------------------------------------------------ what people read

    def read_code(self, mobile: str) -> str:
        """The code of the newest SMS to ``mobile``."""
        codes = [message.code for message in self.outbox if message.mobile == mobile]
        if not codes:
            raise AssertionError(f"no SMS was sent to {mobile}")
        return codes[-1]

    def image_text(self, image_code_id: str) -> str:
        """The text in the image with this id, after it was loaded."""
        if image_code_id not in self._images:
            raise AssertionError(f"no image was drawn for {image_code_id}")
        return self._images[image_code_id]

    # ------------------------------------------------------------

    def _see(self, *, image_code_id: str, text: str, **kwargs: Any) -> None:
        self._images[image_code_id] = text

    def _settings(self, url: str) -> dict[str, Any]:
        """The host's settings, except what leaves this process, and a human check that people do not read."""
        now, mode = getattr(settings, SETTING, {}), human.mode()
        providers = now.get("PROVIDERS", {})
        check = {"check": _path(Presence)} if mode.check and not mode.adaptive else {}
        asked = {"image": mode.image, **check}
        return {
            **now,
            "PROVIDERS": {**providers, "qq": {**_APP, **providers.get("qq", {}), "base_url": url}},
            "SMS": {"gateway": _path(Outbox), "messages": self.outbox},
            "MOBILE_PROOFS": {},
            "HUMAN_CHECK": asked if mode.image or check else human.NOTHING,
            "CACHE": CACHE,
        }


#: The names of the URLs where a sign-in starts and where it comes back: of the API, and of the pages.
_ADDRESSES = {
    False: ("phonebind:authorization", "phonebind:oauth_user"),
    True: ("phonebind_pages:start", "phonebind_pages:callback"),
}


def _person_of(user: AbstractBaseUser) -> Person:
    """The identity that is bound to ``user``. Binds one if there is none."""
    app_id = oauth.get("qq").app_id
    ours = {"user_id": user.pk, "provider": "qq", "app_id": app_id}
    account = SocialAccount.objects.filter(**ours).first()
    if account is None:
        account = SocialAccount.objects.create(**ours, openid=Person().openid)
    return Person(account.openid, account.nickname, account.unionid or "")


# ---------------------------------------------------------------- the store


def _own_cache() -> dict[str, Any]:
    """The host's Valkey, with a key prefix under which no other test has counted anything."""
    config = settings.CACHES[conf.cache]
    return {**config, "KEY_PREFIX": f"{config.get('KEY_PREFIX', '')}{CACHE}-{secrets.token_hex(8)}"}


@contextmanager
def _emptied_at_the_end() -> Iterator[None]:
    _, _, own = caches[CACHE].key_prefix.rpartition(CACHE)
    with store.connection() as client:
        client.ping()
    try:
        yield
    finally:
        # A test may have stopped Valkey. Keys that are left there expire.
        with suppress(StorageUnavailable), store.connection() as client:
            for key in client.scan_iter(match=f"*{CACHE}{own}:*", count=1000):
                client.delete(key)


def _path(kind: type) -> str:
    """The dotted path of ``kind``, as a setting."""
    return f"{kind.__module__}.{kind.__qualname__}"
