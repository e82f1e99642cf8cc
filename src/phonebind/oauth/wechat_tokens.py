"""The access token of an app of WeChat's, which calls that are about no person's sign-in take.

By ``stable_token``, which tells everybody the same until five minutes before its end. So nothing here must happen
exactly once: where the store is away, asking WeChat again does no harm. Never with ``force_refresh``, which ends the
token that all others hold.
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
#: The token is wrong, or has expired.
STALE = frozenset({40001, 40014, 42001})
#: Seconds before its end from which on there is a new one.
MARGIN = 300
#: Seconds for which one asks while the others wait, and how often these look.
LOCK, STEP = 1, 0.05

_DROP = store.Script("""
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('DEL', KEYS[1])
  redis.call('DEL', KEYS[2])
end
""")


def post(provider: WeChat, path: str, payload: Mapping[str, str]) -> Mapping[str, Any]:
    """The answer to a call that takes the app's token, for ``provider.checked``.

    A stale token is dropped, and the call repeated with the next one, once. Raises ProviderUnavailable.
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
    """What another process has asked for, or is about to; "" where it is for us to ask."""
    token, lock = _keys(provider)
    try:
        for _ in range(round(LOCK / STEP)):
            with store.connection() as client:
                found = client.get(token)
            if found:
                # A host's own client may decode what it reads.
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
        # One that is about to end is kept for nobody: whoever needs it next asks.
        if seconds > MARGIN:
            client.set(kept, token, ex=seconds - MARGIN)
        client.delete(lock)
    return token


def _drop(provider: WeChat, token: str) -> None:
    """That very token: another process may have the next one already."""
    with suppress(StorageUnavailable):
        _DROP(_keys(provider), token)


def _keys(provider: WeChat) -> tuple[str, str]:
    """Of the token and of the lock. It is the app's: whatever the host calls it."""
    app_id = provider.settings.client_id
    return store.key("wechat_token", app_id), store.key("wechat_token_lock", app_id)


def _ask(provider: WeChat) -> tuple[str, int]:
    """The token, and the seconds that it is good for."""
    app = {"appid": provider.settings.client_id, "secret": provider.settings.client_secret}
    answer = provider.post(STABLE_TOKEN, {"grant_type": "client_credential", **app})
    token = text(provider.checked(STABLE_TOKEN, answer), "access_token")
    if not token:
        raise provider.unavailable(f"{STABLE_TOKEN}: answer without access_token")
    seconds = answer.get("expires_in")
    return token, seconds if isinstance(seconds, int) else 0
