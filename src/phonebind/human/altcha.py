"""Proof of work, as `ALTCHA <https://altcha.org>`_ has it: the browser computes for a moment, and a flood for long.

Nobody has to see, hear or read anything, and nobody else is asked. The challenge is signed for one mobile and one
purpose; the library does not know which were used, so that is decided in the store.
"""

import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from django.conf import settings
from django.utils.crypto import salted_hmac

from phonebind import slots, store

try:
    import altcha
except ImportError as error:
    raise ImportError("A proof of work takes altcha: pip install 'phonebind[altcha]'") from error

#: Seconds a challenge lives.
EXPIRES_IN = 300
#: At most so many tries; 256 on average. The browser counts up from 0 to a number that is drawn here: were it left to
#: chance, there would be no most. Nor is there a least, which would only be what an attacker need not try.
TRIES = 512
#: How many times as many for who cannot see an image: not dearer ones, since we make one try for each challenge too.
DEARER = 6

#: Six times as much must not be more than an old phone can do in a minute or so.
MAX_COST = 20_000

_ALGORITHM = "PBKDF2/SHA-256"


class Altcha:
    """A proof of work that the browser computes. ``cost`` is the number of PBKDF2 iterations of each try."""

    name: ClassVar[str] = "altcha"
    visual: ClassVar[bool] = False
    origins: Sequence[str] = ()
    #: What is signed besides the mobile.
    purpose: ClassVar[str] = "sms_code"
    tries: ClassVar[int] = TRIES

    def __init__(self, cost: int = 5_000) -> None:
        self.cost = cost

    def check(self) -> list[str]:
        fits = type(self.cost) is int and 1_000 <= self.cost <= MAX_COST
        return [] if fits else [f"cost must be a whole number from 1,000 to {MAX_COST:,}"]

    def issue(self, mobile: str) -> Mapping[str, Any]:
        """``{"challenge": {"parameters", "signature"}}``, as ALTCHA's own widgets and libraries take it.

        Raises ServerBusy.
        """
        signing, confirming = next(_secrets())
        # Takes one try of our own, to know where the counter leads.
        with slots.CHALLENGES.take(slots.MAKERS):
            challenge = altcha.create_challenge(
                _ALGORITHM,
                self.cost,
                counter=secrets.randbelow(self.tries),
                expires_at=int(time.time()) + EXPIRES_IN,
                data=self._data(mobile),
                hmac_secret=signing,
                hmac_key_secret=confirming,
            )
        return {"challenge": challenge.to_dict()}

    def verify(self, mobile: str, address: str, answer: str) -> bool:
        try:
            payload = altcha.Payload.from_base64(answer)
        except (ValueError, KeyError, TypeError, RecursionError):
            return False
        solved = any(
            altcha.verify_solution(payload, signing, hmac_key_secret=confirming).verified
            for signing, confirming in _secrets()
        )
        # Ours, since they are signed: what is read of them now is what was written in `issue`.
        parameters = payload.challenge.parameters
        if not solved or parameters.data != self._data(mobile):
            return False
        # As long as it may be valid by another machine's clock.
        return store.first(store.key("altcha", parameters.nonce), EXPIRES_IN + 60)

    def _data(self, mobile: str) -> dict[str, str]:
        return {"mobile": mobile, "purpose": self.purpose}


class WithoutImage(Altcha):
    """In place of everything there is to see, and dearer for that. Neither proof is good for the other."""

    purpose: ClassVar[str] = "sms_code_without_image"
    tries: ClassVar[int] = DEARER * TRIES


def without_image(usual: object) -> WithoutImage:
    """``usual`` is the check that is asked of everybody, if any: each try costs the same."""
    return WithoutImage(usual.cost) if isinstance(usual, Altcha) else WithoutImage()


def _secrets() -> Iterator[tuple[str, str]]:
    """To sign challenges and what solves them: with the current key first, then with each that is rotated out."""
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        signing, confirming = (
            salted_hmac("phonebind.human.altcha", use, secret=secret, algorithm="sha256").hexdigest()
            for use in ("challenge", "key")
        )
        yield signing, confirming
