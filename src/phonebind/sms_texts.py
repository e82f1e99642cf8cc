"""The texts of SMS, and whether a text fits into one SMS: the second part costs as much as the first."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

#: One SMS holds 160 characters of the GSM alphabet (3GPP TS 23.038), or 70 characters of any other script.
_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
#: These count as two.
_GSM_EXTENSION = frozenset("^{}\\[~]|€")


#: By purpose: the text, and a shorter text.
_TEXTS: Mapping[str, tuple[Promise, Promise]] = {
    "bind": (
        _(
            "[%(site)s] %(code)s is your code to bind your sign-in to this mobile number. "
            "Valid for %(minutes)s minutes. Never tell it to anyone."
        ),
        _("[%(site)s] %(code)s: code to bind your sign-in, %(minutes)s min. Tell no one."),
    ),
    "sign_in": (
        _(
            "[%(site)s] %(code)s is your code to sign in or to register with this mobile number. "
            "Valid for %(minutes)s minutes. Never tell it to anyone."
        ),
        _("[%(site)s] %(code)s: code to sign in, %(minutes)s min. Tell no one."),
    ),
    "reset_password": (
        _(
            "[%(site)s] %(code)s is your code to reset your password. "
            "Valid for %(minutes)s minutes. Never tell it to anyone."
        ),
        _("[%(site)s] %(code)s: password reset code, %(minutes)s min. Tell no one."),
    ),
    "change_mobile": (
        _(
            "[%(site)s] %(code)s is your code to make this your account's mobile number. "
            "Valid for %(minutes)s minutes. Never tell it to anyone."
        ),
        _("[%(site)s] %(code)s: code for a new number, %(minutes)s min. Tell no one."),
    ),
    "verify": (
        _(
            "[%(site)s] %(code)s is your code to confirm that it is you. "
            "Valid for %(minutes)s minutes. Never tell it to anyone."
        ),
        _("[%(site)s] %(code)s: code to confirm it is you, %(minutes)s min. Tell no one."),
    ),
    # Sent in place of a code to reset a password.
    "no_account": (
        _(
            "[%(site)s] Somebody asked to reset the password of an account with this mobile number. "
            "There is none. If it was not you, do nothing."
        ),
        _("[%(site)s] There is no account with this number, and so no password to reset."),
    ),
    # Without a code, to the old number of an account that changes its number.
    "mobile_change": (
        _(
            "[%(site)s] Your account is to get another mobile number in place of this one, in %(hours)s h. "
            "If it was not you, sign in and cancel it."
        ),
        _("[%(site)s] Account gets a new number in %(hours)s h. Not you? Cancel it."),
    ),
}


def code_text(purpose: str, site: str, code: str, minutes: int) -> str:
    """The text in the language of the person who asked; the shorter one if a long site name would make two SMS."""
    facts = {"site": site, "code": code, "minutes": minutes, "hours": -(-minutes // 60)}
    text, short = (str(template) % facts for template in _TEXTS[purpose])
    return text if is_one(text) else short


def is_one(text: str) -> bool:
    """Whether ``text`` is sent as one SMS."""
    septets = text.translate(dict.fromkeys(map(ord, _GSM_EXTENSION), "  "))
    if _GSM.issuperset(septets):
        return len(septets) <= 160
    return len(text.encode("utf-16-le")) // 2 <= 70
