"""Make sure that ``next`` stays on the site."""

import unicodedata
from urllib.parse import quote_plus, urlsplit

from django.http import HttpRequest
from django.urls import get_script_prefix
from django.utils.http import url_has_allowed_host_and_scheme

from phonebind.conf import conf
from phonebind.exceptions import NextNotAllowed

#: Bytes.
MAX_LENGTH = 512
#: Characters in a query, where a Chinese character takes nine. uWSGI's default for the head of a request is 4,096
#: bytes; the query is in it twice, and a third time in Referer.
MAX_ENCODED = 720


def safe_next(request: HttpRequest, target: str) -> str:
    """``target``, if it stays on this site or on one of ``ALLOWED_NEXT_HOSTS``. Empty means the site's root: "/" or the
    path prefix of the site. Raises NextNotAllowed.

    Django refuses other schemes and hosts. This function also refuses backslashes, control characters and outer white
    space: browsers, or Django, drop or change them, and then use another URL than the one that was checked. It also
    refuses "//" without a host after it, which leads nowhere.
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
