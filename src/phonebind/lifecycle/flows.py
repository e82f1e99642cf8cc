"""Who asked for a code when there is no bind ticket: a signed name that comes with the answer and goes back with the
code.

Nobody else can use the code, or use up its attempts by guessing. No cookie is needed, so apps can use it. On a page the
browser's own cookie takes the place of the flow.
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
    """The holder of a code, and the flow that carries it. The holder of ``flow`` is kept if it is still good. Raises
    Invalid.
    """
    if purpose != PURPOSE or not (conf.sms_sign_in or conf.sms_sign_up):
        raise Invalid({"purpose": [_("No such codes are sent here.")]})
    holder = _holder(flow) or f"{PURPOSE}:{secrets.token_urlsafe(16)}"
    return holder, signing.dumps(holder, salt=_SALT)


def read(flow: str) -> str:
    """The holder. Raises SmsCodeGone if the flow is expired or forged: the code has expired with it."""
    holder = _holder(flow)
    if not holder:
        raise SmsCodeGone
    return holder


def of_browser(request: HttpRequest) -> str:
    """The holder of codes that a page asks for: the browser, by the name of its device. A reloaded page finds its codes
    again, and the form of another site cannot bring a code of its own.
    """
    return f"{PURPOSE}:{devices.hash_of(request)}"


def _holder(flow: str) -> str:
    if flow.isascii():
        with suppress(signing.BadSignature):
            return str(signing.loads(flow, salt=_SALT, max_age=sms_codes.REMEMBERED))
    return ""
