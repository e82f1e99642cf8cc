"""``next`` never leaves the site."""

import unicodedata
from urllib.parse import quote_plus, urlsplit

from django.http import HttpRequest
from django.urls import get_script_prefix
from django.utils.http import url_has_allowed_host_and_scheme

from phonebind.conf import conf
from phonebind.exceptions import NextNotAllowed

#: Bytes.
MAX_LENGTH = 512
#: Characters as it travels in a query, where one of Chinese takes nine. uWSGI as it comes has 4,096 bytes for the head
#: of a request, in which the query stands twice, and a third time in Referer.
MAX_ENCODED = 720


def safe_next(request: HttpRequest, target: str) -> str:
    """``target`` where it stays on this site or one of ``ALLOWED_NEXT_HOSTS``; empty means the site's own root, "/" or
    the path that it is served below. Raises NextNotAllowed.

    Django refuses schemes and hosts; backslashes, control characters and outer white space are refused here, because
    browsers, or Django, drop or turn them and then read another URL than the one that was checked. So is "//" with no
    host after it, which leads nowhere.
    """
    if not target:
        return get_script_prefix()
    if target != target.strip() or any(char == "\\" or unicodedata.category(char)[0] == "C" for char in target):
        raise NextNotAllowed
    if len(target.encode()) > MAX_LENGTH or len(quote_plus(target)) > MAX_ENCODED:
        raise NextNotAllowed
    allowed = {request.get_host(), *conf.allowed_next_hosts}
    if not url_has_allowed_host_and_scheme(target, allowed, request.is_secure()):
        raise NextNotAllowed
    if target.startswith("//") and not urlsplit(target).netloc:
        raise NextNotAllowed
    return target
