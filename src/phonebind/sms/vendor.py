"""The common part of vendors' gateways: one request, no second one, and one exception or id for its outcome.

A vendor's SDK only signs where that is needed, and sends nothing. Several SDKs send twice when an answer is lost, and
none has a deadline for the whole request.
"""

import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any, ClassVar, NamedTuple, NoReturn, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from phonebind import alarms, upstream
from phonebind.conf import development
from phonebind.exceptions import SmsMisconfigured, SmsNotSent, SmsRefused, SmsUnconfirmed, SmsVendorLimit
from phonebind.sms.base import Message

#: The maximum seconds that a connection was idle. This is shorter than web servers keep one. Otherwise the server could
#: close it while we write, and it would be unknown whether the vendor has sent the SMS.
MAX_IDLE = 10.0
#: The advice for an operator whose clock is wrong, for the codes of all vendors.
CLOCK = "this server's clock is wrong: set it by NTP"

#: The time zone of the vendors' days and timestamps, wherever this server is.
BEIJING = ZoneInfo("Asia/Shanghai")

_CODE = re.compile(r"[A-Za-z0-9._:-]{1,64}")
#: A vendor's id that is safe to store, and to show on a terminal.
_ID = re.compile(r"[!-~]{1,200}")
#: The errors from reading an answer that is not as the vendor documents it.
_UNREADABLE = (ArithmeticError, LookupError, TypeError, ValueError, AttributeError, RecursionError)
_URL = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[!-~]*)?")
#: The characters of keys and ids. A forgotten placeholder or a full-width letter cannot be sent in a header.
_KEY = re.compile(r"[!-~]+")

T = TypeVar("T")

logger = logging.getLogger(__name__)


class Call(NamedTuple):
    """A request to the vendor. The SMS code is in the body, never in the URL."""

    url: str
    body: bytes
    headers: Mapping[str, str]


class Reading(NamedTuple):
    """The content of an answer. ``retry_after`` is in seconds, if the answer is about a limit."""

    code: str
    message_id: str | None = None
    retry_after: int | None = None


class Codes:
    """A vendor's codes by meaning. ``*`` stands for any ending. For a code in no list, it is unknown whether the SMS
    was sent.

    ``operator`` groups codes by what the operator must do about them.
    """

    def __init__(self, *, sent: str, number: str, limit: str, not_now: str, operator: Mapping[str, str]) -> None:
        self.advice = {code: advice for advice, codes in operator.items() for code in codes.split()}
        kinds = {"sent": sent, "number": number, "limit": limit, "not_now": not_now}
        self.kinds = {code: kind for kind, codes in kinds.items() for code in codes.split()}
        self.kinds |= dict.fromkeys(self.advice, "operator")
        # The longest pattern first: it is the most specific one.
        self._patterns = sorted((code for code in self.kinds if "*" in code), key=len, reverse=True)

    def find(self, code: str) -> str | None:
        """The entry that matches this code, or None."""
        if code in self.kinds:
            return code
        return next((pattern for pattern in self._patterns if fnmatchcase(code, pattern)), None)


class NotTold(Exception):
    """The vendor does not tell the balance. The text is for the operator."""


class Vendor:
    """A gateway to one vendor. Subclasses build the request, read the answer, and list the codes."""

    name: ClassVar[str]
    codes: ClassVar[Codes]

    #: The vendor's address. Then the options that must be a str and not empty.
    endpoint: str
    words: ClassVar[Sequence[str]] = ()
    #: Those of ``words`` that are text for people, not keys.
    texts: ClassVar[Sequence[str]] = ("sign_name",)
    #: Where the operator can see the balance.
    console: ClassVar[str] = ""

    def call(self, message: Message) -> Call:
        raise NotImplementedError

    def read(self, answer: Any) -> Reading:
        """The content of an answer's JSON. LookupError, TypeError and the like mean that it cannot be read."""
        raise NotImplementedError

    def check(self) -> list[str]:
        return list(self._problems())

    def _problems(self) -> Iterator[str]:
        for word in self.words:
            value = getattr(self, word)
            if not isinstance(value, str) or not value or value != value.strip():
                yield f"{word} must be a str, not empty, without white space around it"
            elif word not in self.texts and not _KEY.fullmatch(value):
                yield f"{word} has white space or letters that no key has: copy it from the vendor's console"
            elif word == "sign_name" and set("【】").intersection(value):
                yield "sign_name must be the name without 【】: the vendor adds them"
        if not _is_address(self.endpoint):
            yield "endpoint must be a whole http(s) URL"
        elif not development() and urlsplit(self.endpoint).scheme != "https":
            yield "endpoint is not https"

    def send(self, message: Message) -> str | None:
        """Send one request. Raises what ``Gateway.send`` raises."""
        try:
            answer = upstream.exchange(*self.call(message), upstream.Deadline(), max_idle=MAX_IDLE)
        except upstream.NotDone as error:
            raise SmsNotSent().because(self._warn("cannot be reached", str(error))) from None
        except upstream.UpstreamError as error:
            detail = self._warn("gives no whole answer", str(error))
            raise SmsUnconfirmed().because(detail) from None
        reading = self._reading(answer)
        found = self.codes.find(reading.code)
        if not found or self.codes.kinds[found] != "sent":
            self._refuse(reading, found, _said(answer, reading, message), is_refusal=answer.is_refusal)
        return reading.message_id if _ID.fullmatch(reading.message_id or "") else None

    def ask(self, call: Call, read: Callable[[Any], T]) -> T | None:
        """The answer to a request that sends no SMS, read by ``read``. None if the answer cannot be read.

        ``read`` may raise ValueError with the error code that the vendor answered. Raises SmsNotSent if there is no
        answer.
        """
        try:
            answer = upstream.exchange(*call, upstream.Deadline(), max_idle=MAX_IDLE)
        except upstream.UpstreamError as error:
            self._warn("does not answer what it is asked", str(error))
            raise SmsNotSent from None
        try:
            return read(json.loads(answer.body))
        except _UNREADABLE as error:
            self._warn("gives an unreadable answer", f"status {answer.status}, {_shown(str(error))}")
            return None

    def _reading(self, answer: upstream.Answer) -> Reading:
        """The content of the answer, with the code "" if it cannot be read."""
        try:
            return self.read(json.loads(answer.body))
        except _UNREADABLE:
            return Reading("")

    def _refuse(self, reading: Reading, found: str | None, said: str, *, is_refusal: bool) -> NoReturn:
        kind = self.codes.kinds[found] if found else "unknown"
        if kind == "number":
            raise SmsRefused().because(f"it says {said}")
        if kind == "limit":
            raise SmsVendorLimit(max(reading.retry_after or 60, 1)).because(f"it says {said}")
        if kind == "operator":
            raise SmsMisconfigured().because(self._complain(found or "", said))
        if kind == "not_now" or (not reading.code and is_refusal):
            raise SmsNotSent(answered=True).because(self._warn("takes no SMS now", said))
        raise SmsUnconfirmed(answered=True).because(self._warn("does not say whether it sent", said))

    def _complain(self, found: str, code: str) -> str:
        advice = self.codes.advice[found]
        if alarms.is_due(f"sms {self.name} {found}"):
            logger.error("SMS gateway %s sends nothing: %s (%s)", self.name, advice, code)
        return f"{advice} ({code})"

    def _warn(self, what: str, why: str) -> str:
        if alarms.is_due(f"sms {self.name} {what}"):
            logger.warning("SMS gateway %s %s (%s)", self.name, what, why)
        return f"the vendor {what} ({why})"

    # ---------------------------------------------------------------- balance

    def question(self) -> Call | None:
        """The request for the balance. An empty body makes it a GET. None if the vendor has no such request."""
        return None

    def left(self, answer: Any) -> list[tuple[str, str]]:
        """The balance in the JSON of an answer. Raises as :meth:`read`, and :meth:`untold` for a refusal."""
        raise NotImplementedError

    def untold(self, code: str) -> NotTold:
        found = self.codes.find(code)
        return NotTold(f"{self.codes.advice.get(found or '', 'the vendor refuses to say')} ({_shown(code)})")

    def balance(self) -> list[tuple[str, str]]:
        """Pairs of what the balance is of and its amount. Empty if the vendor has no such request. Raises NotTold.

        It sends no SMS.
        """
        question = self.question()
        if question is None:
            return []
        try:
            answer = upstream.exchange(*question, upstream.Deadline(), method="POST" if question.body else "GET")
        except upstream.UpstreamError as error:
            raise NotTold(f"no whole answer came ({error})") from None
        try:
            return self.left(json.loads(answer.body))
        except _UNREADABLE:
            raise NotTold(f"its answer cannot be read (status {answer.status})") from None


def text(value: Any) -> str:
    """``value``, which must be a str: codes are never numbers. Raises TypeError."""
    if not isinstance(value, str):
        raise TypeError
    return value


def _is_address(url: object) -> bool:
    try:
        return bool(_URL.fullmatch(str(url)) and urlsplit(str(url)).port != 0)
    except ValueError:  # a port above 65535
        return False


def rest_of_the_day() -> int:
    """Seconds until midnight in Beijing."""
    now = datetime.now(BEIJING)
    midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return int((midnight - now).total_seconds()) + 1


def _said(answer: upstream.Answer, reading: Reading, message: Message) -> str:
    """The answer in one word, for the log. If a bridge returns our own JSON, ``code`` is the SMS code: not shown."""
    if not reading.code:
        return f"status {answer.status}"
    return _shown("" if message.code in reading.code or message.mobile in reading.code else reading.code)


def _shown(code: str) -> str:
    """The part of an answer that may be logged: its code, and no text that the vendor wrote beside it."""
    return code if _CODE.fullmatch(code) else "no readable code"
