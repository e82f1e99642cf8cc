"""``next`` never leaves the site."""

import unicodedata

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme

from phonebind.conf import conf
from phonebind.exceptions import NextNotAllowed


def safe_next(request: HttpRequest, target: str) -> str:
    """``target`` where it stays on this site or one of ``ALLOWED_NEXT_HOSTS``; empty means "/". Raises NextNotAllowed.

    Django refuses schemes and hosts; backslashes, control characters and outer white space are refused here, because
    browsers, or Django, drop or turn them and then read another URL than the one that was checked.
    """
    suspicious = any(char == "\\" or unicodedata.category(char)[0] == "C" for char in target)
    allowed = {request.get_host(), *conf.allowed_next_hosts}
    if (
        suspicious
        or target != target.strip()
        or (target and not url_has_allowed_host_and_scheme(target, allowed, require_https=request.is_secure()))
    ):
        raise NextNotAllowed
    return target or "/"
