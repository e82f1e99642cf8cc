"""SMS without a code: messages that the owner of a number must get, even when another person uses the site."""

import logging

from django.utils import translation

from phonebind import limits, slots, sms, sms_texts
from phonebind.conf import conf
from phonebind.exceptions import PhonebindError

logger = logging.getLogger(__name__)


def mobile_change(mobile: str) -> None:
    """Tell this number that its account is going to get another one. Called after the commit: the change waits even if
    the SMS fails.

    This SMS has its own limit, apart from the codes of the number. Otherwise a person who uses up those could keep the
    notice from the owner.
    """
    if not (mobile and conf.mobile_change_notice):
        return
    try:
        limits.take(("notice_mobile_day", mobile))
        with slots.SMS.take(conf.sms_slots):
            sms.send(_message(mobile, sms.MOBILE_CHANGE, -(-conf.mobile_change_delay // 60)))
    except Exception as error:  # noqa: BLE001 - a host's gateway may raise anything, with the number in its text
        why = (isinstance(error, PhonebindError) and error.detail) or type(error).__name__
        logger.warning("The old number was not notified that its account gets another one (%s)", why)


def _message(mobile: str, notice: str, minutes: int) -> sms.Message:
    text = sms_texts.code_text(notice, conf.site_name, "", minutes)
    language = translation.get_language() or sms.LANGUAGE
    return sms.Message(mobile=mobile, code="", minutes=minutes, text=text, purpose=notice, language=language)
