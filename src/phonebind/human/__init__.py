"""Whether a person asks for an SMS: what that takes now, and whether it was answered.

An image code, a :class:`Check`, or both; and for those who cannot see, a proof of work that is dearer than usual and
few an hour. It makes an SMS cost something; what bounds the bill are the quotas in ``limits``.
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

# Loaded where they are used: their library is an extra.
_ALTCHA = "phonebind.human.altcha.Altcha"
_WITHOUT_IMAGE = "phonebind.human.altcha.without_image"
#: The words for HUMAN_CHECK, and what each is short for.
MODES: Mapping[str, Mapping[str, Any]] = {
    "image": {"image": True},
    "altcha": {"check": _ALTCHA},
    "image+altcha": {"check": _ALTCHA, "image": True},
    "adaptive": {"check": _ALTCHA, "image": True, "adaptive": True},
    "none": {},
}
#: The word that asks for nothing, and the limits that alone bound the bill then.
NOTHING = "none"
BOUNDS = ("sms_address_hour", "sms_site_hour", "sms_site_day")
#: So much of what an hour may bear, within minutes, is too fast.
BURST = 0.1

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Mode:
    """``HUMAN_CHECK``. An adaptive check is asked for only while SMS go out too fast."""

    image: bool
    check: Check | None
    adaptive: bool

    @property
    def visual(self) -> bool:
        """There is something that people have to see."""
        return self.image or (self.check is not None and self.check.visual)


@dataclass(frozen=True, slots=True)
class Needs:
    """What one SMS takes now. ``claims`` are limits that it counts against besides everybody's."""

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
    """What somebody brought to get an SMS; "" for what was not asked of them."""

    image_code_id: str = ""
    text: str = ""
    human_check: str = ""
    #: They cannot see an image, and ask for what there is in place of it.
    without_image: bool = False


def mode() -> Mode:
    """Raises KeyError for an unknown word, ImportError for a wrong path, TypeError for wrong options, and ValueError
    for what makes no sense.
    """
    setting = conf.human_check
    if setting == NOTHING:
        return _nothing()
    options = dict(MODES[setting] if isinstance(setting, str) else setting)
    path, image, adaptive = options.pop("check", ""), options.pop("image", False), options.pop("adaptive", False)
    if (type(path), type(image), type(adaptive)) != (str, bool, bool):
        raise TypeError("check is a dotted path; image and adaptive are True or False")
    if not path and options:
        raise TypeError(f"without a check there is nothing that could take {', '.join(map(str, options))}")
    if not path and not image:
        raise ValueError("neither an image nor a check: every SMS would be free")
    if adaptive and not (path and image):
        raise ValueError("adaptive is an image at all times and a check now and then: name both")
    return Mode(image, import_string(path)(**options) if path else None, adaptive)


def _nothing() -> Mode:
    """Raises ValueError where the host has not set each of ``BOUNDS`` itself."""
    # At each request too, not in a system check alone: WSGI servers run none, and checks can be silenced.
    unset = [name for name in BOUNDS if name not in conf.limits]
    if unset:
        raise ValueError(f"with 'none' limits alone bound the bill: LIMITS must have your own {', '.join(unset)}")
    return Mode(image=False, check=None, adaptive=False)


def missing() -> list[str]:
    """The libraries that the mode needs and that are not installed, in words; nothing is loaded."""
    now, told = mode(), []
    if now.image and not image_codes.is_installed():
        told.append("an image takes Pillow and numpy: pip install 'phonebind[image]'")
    if now.visual and not find_spec("altcha"):
        told.append("who cannot see takes altcha in place of it: pip install 'phonebind[altcha]'")
    return told


def load() -> None:
    """Import what the mode needs, before a server makes processes that share it. Raises ImportError, and as
    :func:`mode`.
    """
    now = mode()
    if now.image:
        image_codes.load()
    if now.visual:
        import_string(_WITHOUT_IMAGE)


def needs_image(*, without_image: bool) -> bool:
    """Known without asking anybody: no mode asks for the image only now and then."""
    return mode().image and not without_image


def needs(address: str, *, without_image: bool) -> Needs:
    """What an SMS for somebody at this address takes now."""
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
    """``{"image": bool, "human_check": {"name", …} | None}``: what to bring for an SMS to this mobile.

    Raises TooManyRequests, SmsQuota, ServerBusy, StorageUnavailable.
    """
    needed = needs(address, without_image=without_image)
    asked = None
    if needed.claims:
        # Nobody should compute for seconds to be refused then. What counts is the SMS.
        limits.check(*needed.claims)
    if needed.check is not None:
        with limits.taken(("human_address_hour", address), unless=ServerBusy):
            asked = {**needed.check.issue(mobile), "name": needed.check.name}
    return {"image": needed.image, "human_check": asked}


def draw(image_code_id: str, address: str) -> bytes:
    """A new image for this id, of ``image_codes.MEDIA_TYPE``.

    Raises what ``image_codes.issue`` raises, and Invalid (404) on a site that neither asks for images nor can draw
    them.
    """
    if not image_codes.is_installed() and not mode().image:
        raise Invalid(status=404)
    return image_codes.issue(image_code_id, address)


def verify(mobile: str, address: str, answers: Answers) -> Needs:
    """What they brought is what it takes, and is used up now, right or wrong.

    Raises HumanCheckInvalid, HumanCheckUnavailable or TooManyRequests (the image is as good as before),
    ImageCodeInvalid, StorageUnavailable.
    """
    needed = needs(address, without_image=answers.without_image)
    # Nothing else that is true: not the vendor's answer as it came, nor a coroutine.
    if needed.check is not None and needed.check.verify(mobile, address, answers.human_check) is not True:
        raise HumanCheckInvalid
    # Last, or one proof would do for as many images as it takes to read one.
    if needed.image:
        image_codes.redeem(answers.image_code_id, answers.text)
    return needed


def send_code(
    request: HttpRequest, mobile: str, answers: Answers, *also: limits.Claim, **how: Unpack[sms_codes.How]
) -> sms_codes.Sent:
    """An SMS code for a person: for whom and for what it is, as ``sms_codes.issue`` takes it.

    Raises what :func:`verify` and ``sms_codes.issue`` raise.
    """
    address = limits.client_address(request)
    shown = verify(mobile, address, answers)
    audit.note(request, human=str(shown))
    sent = sms_codes.issue(mobile, address, *shown.claims, *also, **how)
    audit.note(request, outcome="sent")
    return sent


def _too_fast() -> bool:
    """Whether more SMS were sent in the last hour than its own budget, or a day's evenly spread, would bear; or a tenth
    of that within minutes.
    """
    hour, day = limits.rule("sms_site_hour"), limits.rule("sms_site_day")
    bearable = min(hour.limit, day.limit * hour.seconds / day.seconds)
    total, newest = limits.spent("sms_site_hour", limits.SITE)
    if total < bearable and newest < bearable * BURST:
        return False
    if alarms.is_due("adaptive"):
        logger.warning("%s SMS in an hour that bears %d: each takes a human check more", total, bearable)
    return True
