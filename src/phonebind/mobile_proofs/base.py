"""The protocol of mobile proof sources, and the base class of those that ask a vendor."""

import logging
import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any, ClassVar, NoReturn, Protocol
from urllib.parse import urlsplit

from phonebind import alarms, mobiles, upstream
from phonebind.conf import SETTING, development
from phonebind.exceptions import MobileProofInvalid, MobileProofUnavailable
from phonebind.oauth import Identity, answers

#: The maximum seconds that a connection was idle. If the server is just closing it, a token sent on it may be used up.
MAX_IDLE = 10.0

#: The only part of an answer that may be logged.
_CODE = re.compile(r"[A-Za-z0-9._-]{1,64}")
_KEY = re.compile(r"[!-~]+")

logger = logging.getLogger(__name__)


class Source(Protocol):
    """Made for each proof, with its entry of ``PHONEBIND["MOBILE_PROOFS"]`` as keyword arguments."""

    @property
    def strength(self) -> str:
        """How strong the proof is: "carrier", "realtime" or "quick". A client never decides it."""

    def check(self) -> list[str]:
        """A list of problems with the options, for the system checks. It sends nothing."""

    def verify(self, token: str, identity: Identity, *, carrier: str = "") -> str:
        """The mobile number that belongs to the token: 11 digits. Called once for each token.

        ``carrier`` is what the SDK calls the carrier, for vendors that need it.

        Raises MobileProofInvalid if another token helps, and MobileProofUnavailable for everything else.
        """


class Vendor:
    """Sends one request to a vendor for each token, because a token works once.

    A code that is in neither list is the vendor's fault.
    """

    name: ClassVar[str]
    strength: ClassVar[str] = "carrier"
    #: Codes that another token solves, and codes that only the operator can fix. ``*`` stands for any ending.
    user: ClassVar[str] = ""
    operator: ClassVar[str] = ""
    #: Options that must be a str and not empty.
    words: ClassVar[tuple[str, ...]]
    endpoint: str

    def check(self) -> list[str]:
        texts = {word: getattr(self, word) for word in self.words}
        wrong = [word for word, text in texts.items() if not isinstance(text, str) or not _KEY.fullmatch(text)]
        problems = [f"{word} must be a str, not empty, of printable ASCII without white space" for word in wrong]
        scheme = urlsplit(str(self.endpoint)).scheme
        if scheme != "https" and not (development() and scheme == "http"):
            problems.append("endpoint is not https")
        return problems

    def ask(self, url: str, content: bytes, headers: Mapping[str, str]) -> Mapping[str, Any]:
        """The JSON of the answer, for any HTTP status. Raises MobileProofUnavailable."""
        try:
            answer = upstream.exchange(url, content, headers, upstream.Deadline(), max_idle=MAX_IDLE)
        except upstream.UpstreamError as error:
            raise self.unavailable(str(error)) from None
        return answers.read(answer.body)

    def refuse(self, code: str) -> NoReturn:
        """Raise the error that the vendor's code means."""
        if _is_in(self.user, code):
            raise MobileProofInvalid
        shown = code if _CODE.fullmatch(code) else "no readable code"
        if not _is_in(self.operator, code):
            error = self.unavailable(shown)
            # The vendor answered with a code, so it did not charge for a number, and it is not down.
            error.answered = shown == code
            raise error
        if alarms.is_due(f"mobile proof {self.name} {shown}"):
            setting = f"{SETTING}['MOBILE_PROOFS']"
            logger.error(
                "%s refuses our configuration: %s. See %s and docs/en/how-to/one-tap.md.", self.name, shown, setting
            )
        raise _answered()

    def number(self, text: str) -> str:
        """The number in one spelling. Raises MobileProofUnavailable if it is not a mobile number of the mainland."""
        number = mobiles.clean(text)
        if not mobiles.is_mobile(number):
            raise self.unavailable("an answer without a mobile")
        return number

    def unavailable(self, reason: str) -> MobileProofUnavailable:
        """The error to raise. ``reason`` goes into the log, so it contains no secret."""
        if alarms.is_due(f"mobile proof {self.name} unavailable"):
            logger.warning("%s verifies no mobile number: %s", self.name, reason)
        return MobileProofUnavailable()


def _is_in(codes: str, code: str) -> bool:
    return any(fnmatchcase(code, pattern) for pattern in codes.split())


def _answered() -> MobileProofUnavailable:
    error = MobileProofUnavailable()
    error.answered = True
    return error
