"""Who asked for a code, where no bind ticket says so: a signed name that comes with the answer, and back with the code.

Nobody else can use the code, or guess at it and burn it. No cookie is needed, so apps can use it. On a page the browser
says so itself.
"""

import secrets
from contextlib import suppress

from django.core import signing
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from phonebind import sms_codes
from phonebind.conf import conf
from phonebind.exceptions import Invalid, SmsCodeGone
from phonebind.lifecycle import devices

PURPOSE = "sign_in"

_SALT = "phonebind.lifecycle.flow.v1"


def start(purpose: str, flow: str) -> tuple[str, str]:
    """The holder of a code, and the flow that says so: the holder of ``flow``, where that is still good. Raises
    Invalid.
    """
    if purpose != PURPOSE or not (conf.sms_sign_in or conf.sms_sign_up):
        raise Invalid({"purpose": [_("No such codes are sent here.")]})
    holder = _holder(flow) or f"{PURPOSE}:{secrets.token_urlsafe(16)}"
    return holder, signing.dumps(holder, salt=_SALT)


def read(flow: str) -> str:
    """The holder. Raises SmsCodeGone: expired or forged, and with it the code."""
    holder = _holder(flow)
    if not holder:
        raise SmsCodeGone
    return holder


def of_browser(request: HttpRequest) -> str:
    """The holder of codes that a page asks for: the browser, by the name that its device keeps. So a reloaded page
    knows its codes, and no other site's form can bring one along.
    """
    return f"{PURPOSE}:{devices.hash_of(request)}"


def _holder(flow: str) -> str:
    if flow.isascii():
        with suppress(signing.BadSignature):
            return str(signing.loads(flow, salt=_SALT, max_age=sms_codes.REMEMBERED))
    return ""
