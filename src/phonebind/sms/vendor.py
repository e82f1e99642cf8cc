"""What the gateways of vendors have in common: one call, no second one, and one word for how it ended.

A vendor's SDK signs where it must, and sends nothing: several send twice by themselves when an answer is lost, and none
has a deadline for the whole of a call.
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

#: Seconds that a connection may have rested. Shorter than a web server keeps one, so that it is not closed just as we
#: write: whether the vendor acted on that nobody knows.
MAX_IDLE = 10.0
#: For an operator whose clock is wrong, whatever the vendor calls that.
CLOCK = "this server's clock is wrong: set it by NTP"

#: Whose days and stamps the vendors mean, wherever this server is.
BEIJING = ZoneInfo("Asia/Shanghai")

_CODE = re.compile(r"[A-Za-z0-9._:-]{1,64}")
#: An id of the vendor's that may be kept, and shown at a terminal.
_ID = re.compile(r"[!-~]{1,200}")
#: What reading an answer raises that is not as the vendor documents it.
_UNREADABLE = (ArithmeticError, LookupError, TypeError, ValueError, AttributeError, RecursionError)
_URL = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[!-~]*)?")
#: What keys and ids consist of. A placeholder that was left where it stood, or a full-width letter, fits in no header.
_KEY = re.compile(r"[!-~]+")

T = TypeVar("T")

logger = logging.getLogger(__name__)


class Call(NamedTuple):
    """What goes over the wire; the code is in the body, never in the URL."""

    url: str
    body: bytes
    headers: Mapping[str, str]


class Reading(NamedTuple):
    """What an answer says. ``retry_after``: seconds, where it names a limit."""

    code: str
    message_id: str | None = None
    retry_after: int | None = None


class Codes:
    """A vendor's codes by what they mean; ``*`` stands for any ending. What is in no list leaves it open whether the
    vendor sent.

    ``operator`` gives the codes by what the operator must do about them.
    """

    def __init__(self, *, sent: str, number: str, limit: str, not_now: str, operator: Mapping[str, str]) -> None:
        self.advice = {code: advice for advice, codes in operator.items() for code in codes.split()}
        kinds = {"sent": sent, "number": number, "limit": limit, "not_now": not_now}
        self.kinds = {code: kind for kind, codes in kinds.items() for code in codes.split()}
        self.kinds |= dict.fromkeys(self.advice, "operator")
        # The longest first: the narrower pattern is the one that is meant.
        self._patterns = sorted((code for code in self.kinds if "*" in code), key=len, reverse=True)

    def find(self, code: str) -> str | None:
        """The entry that this code is under."""
        if code in self.kinds:
            return code
        return next((pattern for pattern in self._patterns if fnmatchcase(code, pattern)), None)


class NotTold(Exception):
    """The vendor does not say what is left; the text is for the operator."""


class Vendor:
    """A gateway to one vendor: subclasses write the call, read the answer, and know the codes."""

    name: ClassVar[str]
    codes: ClassVar[Codes]

    #: Where the vendor is; options that must be a str and not empty.
    endpoint: str
    words: ClassVar[Sequence[str]] = ()
    #: Those of them that people read.
    texts: ClassVar[Sequence[str]] = ("sign_name",)
    #: Where people see what is left.
    console: ClassVar[str] = ""

    def call(self, message: Message) -> Call:
        raise NotImplementedError

    def read(self, answer: Any) -> Reading:
        """What the JSON of an answer says. LookupError, TypeError and the like mean: nothing."""
        raise NotImplementedError

    def check(self) -> list[str]:
        return list(self._problems())

    def _problems(self) -> Iterator[str]:
        for word in self.words:
            value = getattr(self, word)
            if not isinstance(value, str) or not value or value != value.strip():
                yield f"{word} must be a str, not empty, without white space around it"
            elif word not in self.texts and not _KEY.fullmatch(value):
                yield f"{word} holds white space or letters that none has: copy it from the vendor's console"
            elif word == "sign_name" and set("【】").intersection(value):
                yield "sign_name must be the name without 【】: the vendor adds them"
        if not _is_address(self.endpoint):
            yield "endpoint must be a whole http(s) URL"
        elif not development() and urlsplit(self.endpoint).scheme != "https":
            yield "endpoint is not https"

    def send(self, message: Message) -> str | None:
        """One call. Raises as every gateway does."""
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
        """What the vendor answers to a question that sends nothing, as ``read`` understands it; None where it does not.
        ``read`` may raise ValueError with a code that the answer has in place of what was asked for.

        Raises SmsNotSent where there is no answer.
        """
        try:
            answer = upstream.exchange(*call, upstream.Deadline(), max_idle=MAX_IDLE)
        except upstream.UpstreamError as error:
            self._warn("does not answer what it is asked", str(error))
            raise SmsNotSent from None
        try:
            return read(json.loads(answer.body))
        except _UNREADABLE as error:
            self._warn("does not tell what it is asked", f"status {answer.status}, {_shown(str(error))}")
            return None

    def _reading(self, answer: upstream.Answer) -> Reading:
        """With the code "" where it says nothing that we understand."""
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

    # ---------------------------------------------------------------- the balance

    def question(self) -> Call | None:
        """The call that asks what is left; an empty body makes it a GET. None where the vendor has no such call."""
        return None

    def left(self, answer: Any) -> list[tuple[str, str]]:
        """What the JSON of its answer says. Raises as :meth:`read`, and :meth:`untold` for a refusal."""
        raise NotImplementedError

    def untold(self, code: str) -> NotTold:
        found = self.codes.find(code)
        return NotTold(f"{self.codes.advice.get(found or '', 'the vendor refuses to say')} ({_shown(code)})")

    def balance(self) -> list[tuple[str, str]]:
        """What is left, and of what; empty where the vendor has no call for it. Sends nothing. Raises NotTold."""
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
    """A value that must be a str: codes are never numbers. Raises TypeError."""
    if not isinstance(value, str):
        raise TypeError
    return value


def _is_address(url: object) -> bool:
    try:
        return bool(_URL.fullmatch(str(url)) and urlsplit(str(url)).port != 0)
    except ValueError:  # there are 65535 ports
        return False


def rest_of_the_day() -> int:
    """Seconds until midnight in Beijing."""
    now = datetime.now(BEIJING)
    midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return int((midnight - now).total_seconds()) + 1


def _said(answer: upstream.Answer, reading: Reading, message: Message) -> str:
    """The answer in a word, for the log. A bridge that sends our own JSON back has the SMS code for a code."""
    if not reading.code:
        return f"status {answer.status}"
    return _shown("" if message.code in reading.code or message.mobile in reading.code else reading.code)


def _shown(code: str) -> str:
    """What of an answer may stand in a log: its code, and nothing that a vendor wrote beside it."""
    return code if _CODE.fullmatch(code) else "no readable code"
