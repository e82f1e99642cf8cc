"""The words of an SMS, and whether they fit into one: the second part is paid for like a first."""

from django.utils.translation import gettext as _

#: What one SMS holds: of the GSM alphabet (3GPP TS 23.038) 160 characters, of any other script 70.
_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
#: These count as two.
_GSM_EXTENSION = frozenset("^{}\\[~]|€")


def bind_text(site: str, code: str, minutes: int) -> str:
    """In the language of the person who asks; in fewer words where a long name would make two SMS of it."""
    facts = {"site": site, "code": code, "minutes": minutes}
    text = (
        _(
            "[%(site)s] %(code)s is your code to bind your sign-in to this mobile number. "
            "Valid for %(minutes)s minutes. Never tell it to anyone."
        )
        % facts
    )
    if is_one(text):
        return text
    return _("[%(site)s] %(code)s: code to bind your sign-in, %(minutes)s min. Tell no one.") % facts


def is_one(text: str) -> bool:
    """Whether ``text`` is sent as one SMS."""
    septets = text.translate(dict.fromkeys(map(ord, _GSM_EXTENSION), "  "))
    if _GSM.issuperset(septets):
        return len(septets) <= 160
    return len(text.encode("utf-16-le")) // 2 <= 70
