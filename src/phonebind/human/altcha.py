"""A proof of work by `ALTCHA <https://altcha.org>`_: a browser computes for a moment, and a flood of requests for long.

The person does not have to see, hear or read anything, and no other server is asked. A challenge is signed for one
mobile number and one purpose. The library does not know which challenges were used, so the store records that.
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
    raise ImportError("A proof of work needs altcha: pip install 'phonebind[altcha]'") from error

#: Seconds that a challenge is valid.
EXPIRES_IN = 300
#: The maximum number of tries; the average is 256. The browser counts up from 0 to a number that the server draws. If
#: chance alone decided, there would be no maximum. There is no minimum either: an attacker would skip those tries.
TRIES = 512
#: The proof in place of an image has this many times as many tries. A single try does not cost more, because the server
#: also computes one try for each challenge.
DEARER = 6

#: The maximum of ``cost``. With six times as many tries, an old phone must still finish in about a minute.
MAX_COST = 20_000

_ALGORITHM = "PBKDF2/SHA-256"


class Altcha:
    """A proof of work that the browser computes. ``cost`` is the number of PBKDF2 iterations of each try."""

    name: ClassVar[str] = "altcha"
    visual: ClassVar[bool] = False
    origins: Sequence[str] = ()
    #: Signed together with the mobile number.
    purpose: ClassVar[str] = "sms_code"
    tries: ClassVar[int] = TRIES

    def __init__(self, cost: int = 5_000) -> None:
        self.cost = cost

    def check(self) -> list[str]:
        fits = type(self.cost) is int and 1_000 <= self.cost <= MAX_COST
        return [] if fits else [f"cost must be a whole number from 1,000 to {MAX_COST:,}"]

    def issue(self, mobile: str) -> Mapping[str, Any]:
        """``{"challenge": {"parameters", "signature"}}``, in the format of ALTCHA's own widgets and libraries.

        Raises ServerBusy.
        """
        signing, confirming = next(_secrets())
        # The server computes one try itself, to know the key that the counter leads to.
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
        # The signature is right, so these parameters are the ones that `issue` wrote.
        parameters = payload.challenge.parameters
        if not solved or parameters.data != self._data(mobile):
            return False
        # Remember it for a minute longer: by the clock of another machine it may still be valid.
        return store.first(store.key("altcha", parameters.nonce), EXPIRES_IN + 60)

    def _data(self, mobile: str) -> dict[str, str]:
        return {"mobile": mobile, "purpose": self.purpose}


class WithoutImage(Altcha):
    """The proof of work in place of everything that people have to see. It costs more.

    This proof is not valid as the usual one, and the usual one is not valid as this.
    """

    purpose: ClassVar[str] = "sms_code_without_image"
    tries: ClassVar[int] = DEARER * TRIES


def without_image(usual: object) -> WithoutImage:
    """The check with the same cost for each try as ``usual``, the check that the site requires of everyone, if any."""
    return WithoutImage(usual.cost) if isinstance(usual, Altcha) else WithoutImage()


def _secrets() -> Iterator[tuple[str, str]]:
    """Pairs of secrets, for challenges and for their solutions: the current SECRET_KEY first, then each fallback."""
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        signing, confirming = (
            salted_hmac("phonebind.human.altcha", use, secret=secret, algorithm="sha256").hexdigest()
            for use in ("challenge", "key")
        )
        yield signing, confirming
