"""``next`` never leaves the site."""

import unicodedata
from urllib.parse import urlsplit

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme

from phonebind.conf import conf
from phonebind.exceptions import NextNotAllowed

#: Bytes. The state carries it three times as long, and web servers take a URL of about 4,000.
MAX_LENGTH = 512


def safe_next(request: HttpRequest, target: str) -> str:
    """``target`` where it stays on this site or one of ``ALLOWED_NEXT_HOSTS``; empty means "/". Raises NextNotAllowed.

    Django refuses schemes and hosts; backslashes, control characters and outer white space are refused here, because
    browsers, or Django, drop or turn them and then read another URL than the one that was checked. So is "//" with no
    host after it, which leads nowhere.
    """
    if not target:
        return "/"
    if target != target.strip() or any(char == "\\" or unicodedata.category(char)[0] == "C" for char in target):
        raise NextNotAllowed
    allowed = {request.get_host(), *conf.allowed_next_hosts}
    if len(target.encode()) > MAX_LENGTH or not url_has_allowed_host_and_scheme(target, allowed, request.is_secure()):
        raise NextNotAllowed
    if target.startswith("//") and not urlsplit(target).netloc:
        raise NextNotAllowed
    return target
