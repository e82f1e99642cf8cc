"""The human check: what a client must send with a request for an SMS, and whether its answers are right.

It is an image code, a :class:`Check`, or both. People who cannot see get a proof of work instead. It costs more than
the usual one, and only a few are allowed in an hour. The human check makes each SMS cost the client something. The
quotas in ``limits`` bound the bill.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Unpack

from django.http import HttpRequest
from django.utils.module_loading import import_string

from phonebind import alarms, audit, limits, sms_codes
from phonebind.conf import conf
from phonebind.exceptions import HumanCheckInvalid, Invalid, ServerBusy
from phonebind.human import image_codes
from phonebind.human.base import Check

__all__ = [
    "Answers",
    "Check",
    "Mode",
    "Needs",
    "draw",
    "issue",
    "load",
    "missing",
    "mode",
    "needs",
    "needs_image",
    "send_code",
    "verify",
]

# Imported where they are used: their library is an extra.
_ALTCHA = "phonebind.human.altcha.Altcha"
_WITHOUT_IMAGE = "phonebind.human.altcha.without_image"
#: The words for HUMAN_CHECK, and the options that each stands for.
MODES: Mapping[str, Mapping[str, Any]] = {
    "image": {"image": True},
    "altcha": {"check": _ALTCHA},
    "image+altcha": {"check": _ALTCHA, "image": True},
    "adaptive": {"check": _ALTCHA, "image": True, "adaptive": True},
    "none": {},
}
#: The word for no check at all. Then these limits alone bound the bill.
NOTHING = "none"
BOUNDS = ("sms_address_hour", "sms_site_hour", "sms_site_day")
#: If more than this share of an hour's budget is sent within a few minutes, that is too fast.
BURST = 0.1

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Mode:
    """The setting ``HUMAN_CHECK``: whether an ``image`` is needed, and which other ``check`` or None.

    An ``adaptive`` check is needed only while SMS go out too fast.
    """

    image: bool
    check: Check | None
    adaptive: bool

    @property
    def visual(self) -> bool:
        """Whether people must see something."""
        return self.image or (self.check is not None and self.check.visual)


@dataclass(frozen=True, slots=True)
class Needs:
    """What one SMS needs now: an ``image``, a ``check`` or None. ``claims`` are more limits that it counts for."""

    image: bool
    check: Check | None
    claims: tuple[limits.Claim, ...] = ()

    def __str__(self) -> str:
        """``image+altcha``, ``altcha+without_image``, or ``none``: for the audit trail."""
        names = ["image"] if self.image else []
        names += [self.check.name] if self.check is not None else []
        names += ["without_image"] if self.claims else []
        return "+".join(names) or NOTHING


@dataclass(frozen=True, slots=True)
class Answers:
    """What a client sent to get an SMS, with "" for what was not needed.

    ``without_image`` is True for a person who cannot see an image, and asks for the other way.
    """

    image_code_id: str = ""
    text: str = ""
    human_check: str = ""
    without_image: bool = False


def mode() -> Mode:
    """Read the setting ``HUMAN_CHECK``.

    Raises KeyError for an unknown word, ImportError for a wrong path, TypeError for wrong options, and ValueError for
    options that make no sense together.
    """
    setting = conf.human_check
    if setting == NOTHING:
        return _nothing()
    options = dict(MODES[setting] if isinstance(setting, str) else setting)
    path, image, adaptive = options.pop("check", ""), options.pop("image", False), options.pop("adaptive", False)
    if (type(path), type(image), type(adaptive)) != (str, bool, bool):
        raise TypeError("check is a dotted path; image and adaptive are True or False")
    if not path and options:
        raise TypeError(f"without a check there are no options: remove {', '.join(map(str, options))}")
    if not path and not image:
        raise ValueError("neither an image nor a check: every SMS would be free")
    if adaptive and not (path and image):
        raise ValueError("adaptive needs an image for every SMS and a check at times: name both")
    return Mode(image, import_string(path)(**options) if path else None, adaptive)


def _nothing() -> Mode:
    """The mode without any check. Raises ValueError if the host has not set each of ``BOUNDS`` itself."""
    # Checked at each request, not only in a system check: WSGI servers run none, and system checks can be silenced.
    unset = [name for name in BOUNDS if name not in conf.limits]
    if unset:
        raise ValueError(f"with 'none' only limits bound the bill: LIMITS must have your own {', '.join(unset)}")
    return Mode(image=False, check=None, adaptive=False)


def missing() -> list[str]:
    """Which libraries the setting needs and are not installed, in words. It loads nothing."""
    now, told = mode(), []
    if now.image and not image_codes.is_installed():
        told.append("an image code needs Pillow and numpy: pip install 'phonebind[image]'")
    if now.visual and not find_spec("altcha"):
        told.append("people who cannot see an image need altcha: pip install 'phonebind[altcha]'")
    return told


def load() -> None:
    """Import what the mode needs. Call it before a server forks, so that its processes share the memory.

    Raises ImportError, and what :func:`mode` raises.
    """
    now = mode()
    if now.image:
        image_codes.load()
    if now.visual:
        import_string(_WITHOUT_IMAGE)


def needs_image(*, without_image: bool) -> bool:
    """Whether an SMS needs an image. It needs no store: an image is needed always, or never."""
    return mode().image and not without_image


def needs(address: str, *, without_image: bool) -> Needs:
    """What an SMS for a client at this address needs now."""
    now = mode()
    if without_image and now.visual:
        claims = (
            ("no_image_address_hour", address),
            ("no_image_site_hour", limits.SITE),
            ("no_image_site_day", limits.SITE),
        )
        return Needs(image=False, check=import_string(_WITHOUT_IMAGE)(now.check), claims=claims)
    return Needs(now.image, now.check if not now.adaptive or _too_fast() else None)


def issue(mobile: str, address: str, *, without_image: bool) -> dict[str, Any]:
    """What an SMS to this mobile needs now, for the browser: ``{"image": bool, "human_check": {"name", …} | None}``.

    Raises TooManyRequests, SmsQuota, ServerBusy, StorageUnavailable.
    """
    needed = needs(address, without_image=without_image)
    asked = None
    if needed.claims:
        # Refuse now, not after the client has computed for seconds. Only the SMS counts against these limits.
        limits.check(*needed.claims)
    if needed.check is not None:
        with limits.taken(("human_address_hour", address), unless=ServerBusy):
            asked = {**needed.check.issue(mobile), "name": needed.check.name}
    return {"image": needed.image, "human_check": asked}


def draw(image_code_id: str, address: str) -> bytes:
    """A new JPEG image for this id.

    Raises TooManyRequests, ServerBusy, StorageUnavailable, and Invalid (404) on a site that needs no images and cannot
    draw them.
    """
    if not image_codes.is_installed() and not mode().image:
        raise Invalid(status=404)
    return image_codes.issue(image_code_id, address)


def verify(mobile: str, address: str, answers: Answers) -> Needs:
    """Check what the client sent, and use it up, right or wrong. Returns what was needed.

    Raises HumanCheckInvalid, HumanCheckUnavailable or TooManyRequests (the image is still valid), ImageCodeInvalid,
    StorageUnavailable.
    """
    needed = needs(address, without_image=answers.without_image)
    # ``is not True``: no other true value passes, such as the vendor's raw answer or a coroutine.
    if needed.check is not None and needed.check.verify(mobile, address, answers.human_check) is not True:
        raise HumanCheckInvalid
    # The image comes last. Otherwise, one proof would allow as many images as it takes to read one.
    if needed.image:
        image_codes.redeem(answers.image_code_id, answers.text)
    return needed


def send_code(
    request: HttpRequest, mobile: str, answers: Answers, *also: limits.Claim, **how: Unpack[sms_codes.How]
) -> sms_codes.Sent:
    """Check what the client sent, and send an SMS code. ``how`` and ``also`` go to ``sms_codes.issue``.

    Raises what ``verify`` and ``sms_codes.issue`` raise.
    """
    address = limits.client_address(request)
    shown = verify(mobile, address, answers)
    audit.note(request, human=str(shown))
    sent = sms_codes.issue(mobile, address, *shown.claims, *also, **how)
    audit.note(request, outcome="sent")
    return sent


def _too_fast() -> bool:
    """Whether SMS are sent too fast for the budget.

    The budget of an hour is the limit of an hour or 1/24 of the limit of a day, whichever is smaller. Too fast is the
    whole of it in the last hour, or a tenth of it within a few minutes.
    """
    hour, day = limits.rule("sms_site_hour"), limits.rule("sms_site_day")
    bearable = min(hour.limit, day.limit * hour.seconds / day.seconds)
    total, newest = limits.spent("sms_site_hour", limits.SITE)
    if total < bearable and newest < bearable * BURST:
        return False
    if alarms.is_due("adaptive"):
        logger.warning("%s SMS in an hour whose budget is %d: each SMS needs a human check more", total, bearable)
    return True
