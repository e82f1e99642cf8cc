"""The access token of a WeChat app. Calls that do not belong to a person's sign-in need it.

It comes from ``stable_token``, which returns the same token to every process until five minutes before the token's end.
So nothing here must happen exactly once: without the store, another request to WeChat does no harm. ``force_refresh``
is never used: it would end the token that all other processes hold.
"""

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from phonebind import store
from phonebind.exceptions import StorageUnavailable
from phonebind.oauth.answers import text
from phonebind.oauth.wechat import WeChat, errcode

STABLE_TOKEN = "/cgi-bin/stable_token"  # noqa: S105
#: The token is wrong, or it has expired.
STALE = frozenset({40001, 40014, 42001})
#: Seconds before the end of a token, from which on WeChat returns a new one.
MARGIN = 300
#: Seconds for which one process fetches while the others wait, and seconds between two looks of a waiting process.
LOCK, STEP = 1, 0.05

_DROP = store.Script("""
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('DEL', KEYS[1])
  redis.call('DEL', KEYS[2])
end
""")


def post(provider: WeChat, path: str, payload: Mapping[str, str]) -> Mapping[str, Any]:
    """The answer to a call that needs the app's token. Pass it to ``provider.checked``.

    A stale token is dropped, and the call is repeated once with the next token. Raises ProviderUnavailable.
    """
    token = _token(provider)
    answer = provider.post(path, payload, access_token=token)
    if errcode(answer) in STALE:
        _drop(provider, token)
        answer = provider.post(path, payload, access_token=_token(provider))
        if errcode(answer) in STALE:
            raise provider.misconfigured(path, errcode(answer))
    return answer


def _token(provider: WeChat) -> str:
    return _kept(provider) or _fetched(provider)


def _kept(provider: WeChat) -> str:
    """The token that another process has fetched or is fetching. "" if this process must fetch it."""
    token, lock = _keys(provider)
    try:
        for _ in range(round(LOCK / STEP)):
            with store.connection() as client:
                found = client.get(token)
            if found:
                # The host's own client may decode the values that it reads.
                return found.decode() if isinstance(found, bytes) else str(found)
            if store.first(lock, LOCK):
                break
            time.sleep(STEP)
    except StorageUnavailable:
        pass
    return ""


def _fetched(provider: WeChat) -> str:
    token, seconds = _ask(provider)
    kept, lock = _keys(provider)
    with suppress(StorageUnavailable), store.connection() as client:
        # A token that is about to end is not stored: the next process that needs one fetches it.
        if seconds > MARGIN:
            client.set(kept, token, ex=seconds - MARGIN)
        client.delete(lock)
    return token


def _drop(provider: WeChat, token: str) -> None:
    """Drop exactly this token: another process may already have stored the next one."""
    with suppress(StorageUnavailable):
        _DROP(_keys(provider), token)


def _keys(provider: WeChat) -> tuple[str, str]:
    """The store's keys of the token and of its lock. They depend on the app, not on the host's name of the provider."""
    app_id = provider.settings.client_id
    return store.key("wechat_token", app_id), store.key("wechat_token_lock", app_id)


def _ask(provider: WeChat) -> tuple[str, int]:
    """The token, and the seconds that it is valid."""
    app = {"appid": provider.settings.client_id, "secret": provider.settings.client_secret}
    answer = provider.post(STABLE_TOKEN, {"grant_type": "client_credential", **app})
    token = text(provider.checked(STABLE_TOKEN, answer), "access_token")
    if not token:
        raise provider.unavailable(f"{STABLE_TOKEN}: answer without access_token")
    seconds = answer.get("expires_in")
    return token, seconds if isinstance(seconds, int) else 0
