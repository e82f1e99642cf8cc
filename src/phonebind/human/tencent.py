"""Tencent Cloud's captcha (天御验证码, T-Sec): the visitor drags or clicks, and Tencent decides whether it is a person.

Its script gives the browser a ticket. `DescribeCaptchaResult <https://cloud.tencent.com/document/product/1110/36926>`_
tells us whether the ticket is valid. Tencent's SDK builds and signs that request, and we send it.
"""

import hashlib
import json
import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple
from urllib.parse import urlsplit

from phonebind import alarms, calls, store, tencent_cloud, upstream
from phonebind.conf import development
from phonebind.exceptions import HumanCheckUnavailable
from phonebind.human.base import asking

try:
    from tencentcloud.captcha.v20190722 import models
    from tencentcloud.captcha.v20190722.captcha_client import CaptchaClient
except ImportError as error:
    raise ImportError("Tencent's SDK is not installed: pip install 'phonebind[tencent]'") from error

ENDPOINT = "https://captcha.tencentcloudapi.com"
SCRIPT = "https://turing.captcha.qcloud.com/TJCaptcha.js"
#: Origins that the script may load from, in addition to its own. Tencent documents no such list. The first is that of
#: its scripts (turing. in China, ca.turing. elsewhere). One of them was on captcha.gtimg.com until 2023.
ORIGINS = ("https://*.captcha.qcloud.com", "https://*.gtimg.com")

#: Seconds that a ticket is valid.
EXPIRES_IN = 300

#: Codes after which the person can try again. The documentation lists 7, 8, 9, 15 and 21 now, and it listed the others
#: earlier. All other codes are for the operator to fix (16 and 100: wrong app or key), or for Tencent.
PERSON = frozenset({6, 7, 8, 9, 10, 11, 12, 13, 15, 17, 18, 19, 20, 21})
#: In the invisible mode of the widget, CaptchaCode is 1 for every client. Tencent's rating is the EvilLevel, and this
#: value means malicious.
EVIL = 100

# If the script cannot reach Tencent, it makes up a ticket that begins with trerror_ (terror_ until 2025). Tencent
# leaves it to us whether these pass. They do not: any client can write one.
_TICKET = re.compile(r"(?!tr?error_)[!-~]{1,4096}")
_RANDSTR = re.compile(r"[!-~]{1,64}")
# The only part of an answer that is logged: the rest may contain one of our secrets.
_ERROR = re.compile(r"[A-Za-z.]{1,64}")
_OF_THE_INPUT = re.compile("InvalidParameter|MissingParameter")
_REQUEST_ID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")

_WORD = ("[!-~]+", "a str without white space, and not empty")
_URL = (r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[!-~]*)?", "a whole http(s) URL")
_OPTIONS = {
    "app_id": ("[0-9]{1,20}", "the digits of the CaptchaAppId, as a str"),
    "app_secret_key": _WORD,
    "secret_id": _WORD,
    "secret_key": _WORD,
    "endpoint": _URL,
    "script": _URL,
}

logger = logging.getLogger(__name__)


class _Verdict(NamedTuple):
    #: CaptchaCode, or the code of an error of Tencent Cloud.
    code: int | str
    evil_level: Any
    request_id: Any


class Tencent:
    """``app_id`` and ``app_secret_key`` are those of the captcha.

    ``secret_id`` and ``secret_key`` are those of a Tencent Cloud account that may query it.
    """

    name: ClassVar[str] = "tencent"
    visual: ClassVar[bool] = True

    def __init__(
        self,
        *,
        app_id: str,
        app_secret_key: str,
        secret_id: str,
        secret_key: str,
        endpoint: str = ENDPOINT,
        script: str = SCRIPT,
    ) -> None:
        self.app_id = app_id
        self.app_secret_key = app_secret_key
        self.secret_id = secret_id
        self.secret_key = secret_key
        self.endpoint = endpoint
        self.script = script

    @property
    def origins(self) -> Sequence[str]:
        script = urlsplit(self.script)
        return (f"{script.scheme}://{script.netloc}", *ORIGINS)

    def check(self) -> list[str]:
        return [
            f"{name} must be {what}"
            for name, (pattern, what) in _OPTIONS.items()
            if not isinstance(value := getattr(self, name), str) or not re.fullmatch(pattern, value)
        ] + [
            f"{name} is not https"
            for name in ("endpoint", "script")
            if not development() and str(getattr(self, name)).startswith("http:")
        ]

    def issue(self, mobile: str) -> Mapping[str, Any]:
        """``{"app_id", "script"}``: load the script, and call ``new TencentCaptcha(app_id, callback, {}).show()``."""
        return {"app_id": self.app_id, "script": self.script}

    def verify(self, mobile: str, address: str, answer: str) -> bool:
        """``answer`` is the JSON of ``{"ticket", "randstr"}``, as the widget's callback received them."""
        given = _read(answer)
        if given is None:
            return False
        ticket, randstr = given
        with asking(address):
            # Mark the ticket as used after a slot is free. Otherwise, a client that finds no free slot would lose its
            # ticket.
            used = store.key("tencent", hashlib.sha256(ticket.encode()).hexdigest())
            if not store.first(used, EXPIRES_IN + 60):
                return False
            verdict = self._ask(ticket, randstr, address)
        # Outside of ``asking``, so that HumanCheckUnavailable counts against the address here: any client can send a
        # ticket for which Tencent blames our configuration, and that is not an outage.
        return _is_person(verdict)

    def _ask(self, ticket: str, randstr: str, address: str) -> _Verdict:
        """Tencent's verdict on the ticket. Raises HumanCheckUnavailable if there is no readable verdict."""
        question = models.DescribeCaptchaResultRequest()
        question.CaptchaType = 9
        question.Ticket = ticket
        question.Randstr = randstr
        question.UserIp = _user_ip(address)
        question.CaptchaAppId = int(self.app_id)
        question.AppSecretKey = self.app_secret_key
        keys, params = (self.secret_id, self.secret_key), question._serialize()
        content, headers = tencent_cloud.sign(CaptchaClient, keys, self.endpoint, "DescribeCaptchaResult", params)
        try:
            with calls.observed(self.name, "human_check"):
                body = upstream.post(self.endpoint, content, headers, upstream.Deadline())
        except upstream.UpstreamError as error:
            logger.warning("Tencent's captcha does not answer: %s", error)
            raise HumanCheckUnavailable from None
        return _parse(body)


def _read(answer: str) -> tuple[str, str] | None:
    """The ticket and the randstr, if both have a possible form."""
    try:
        given = json.loads(answer)
    except (ValueError, RecursionError):
        return None
    match given:
        case {"ticket": str(ticket), "randstr": str(code)} if _TICKET.fullmatch(ticket) and _RANDSTR.fullmatch(code):
            return ticket, code
        case _:
            return None


def _user_ip(address: str) -> str:
    """The IP address in the form that Tencent accepts.

    Of an IPv6 /64, it is the first address. Without an address, it is the one of Tencent's own examples.
    """
    return "127.0.0.1" if address == "unknown" else address.partition("/")[0]


def _parse(body: bytes) -> _Verdict:
    try:
        response = json.loads(body)["Response"]
    except (ValueError, LookupError, TypeError, RecursionError):
        response = None
    match response:
        case {"Error": {"Code": str(code)}} if code.startswith("InternalError"):
            logger.warning("Tencent's captcha has an internal error")
        case {"Error": {"Code": str(code)}} if _ERROR.fullmatch(code):
            return _Verdict(code, None, response.get("RequestId"))
        case {"CaptchaCode": int(code)} if type(code) is int and "Error" not in response:
            return _Verdict(code, response.get("EvilLevel"), response.get("RequestId"))
        case _:
            logger.warning("Tencent's captcha gives an answer that cannot be read")
    raise HumanCheckUnavailable


def _is_person(verdict: _Verdict) -> bool:
    """Whether Tencent thinks it is a person. Raises HumanCheckUnavailable if the fault is not the person's."""
    if verdict.code not in {1, *PERSON}:
        _complain(verdict)
        raise HumanCheckUnavailable
    return verdict.code == 1 and verdict.evil_level != EVIL


def _complain(verdict: _Verdict) -> None:
    """Log a refusal. It is an ERROR only if no ticket can cause it: any client can send an invalid ticket, or one of
    another app.
    """
    what = f"CaptchaCode {verdict.code}" if isinstance(verdict.code, int) else verdict.code
    level = logging.WARNING if isinstance(verdict.code, int) or _OF_THE_INPUT.match(verdict.code) else logging.ERROR
    if alarms.is_due(f"tencent {what}"):
        request_id = str(verdict.request_id)
        logger.log(
            level,
            "Tencent's captcha refuses our configuration: %s (request %s). Are the values of PHONEBIND['HUMAN_CHECK'] "
            "those of Tencent's console, and the package paid for?",
            what,
            request_id if _REQUEST_ID.fullmatch(request_id) else "?",
        )
