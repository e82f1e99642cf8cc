"""Where a page of the tutorial goes after a sign-in: it reads ``decodeURI(state)`` off its own address and goes there.

Providers bring the state back encoded, and ``decodeURI`` leaves ``; / ? : @ & = + $ , #`` as they come: "%2Fcart.html"
is no path but a file of that name. So what stands in such a state is relative to the callback page, and has a backslash
for each slash, which browsers read alike. A query cannot be written that way. For that the page is sent through an
address of ours (:func:`follow`); or the provider brings people to us first, and we write the page's address
(:func:`relay`, where ``callback_page`` is set).
"""

from contextlib import suppress
from typing import cast
from urllib.parse import SplitResult, quote, unquote, urlencode, urljoin, urlsplit

from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import NoReverseMatch, ResolverMatch, reverse
from django.utils.encoding import iri_to_uri
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from phonebind import bodies, oauth
from phonebind.exceptions import NextNotAllowed, ProviderUnknown
from phonebind.oauth import WebProvider
from phonebind.redirects import safe_next

#: ``app_name`` of our URLs.
NAMESPACE = "phonebind"
SALT = "phonebind.next.v1"
#: Seconds. Longer than a sign-in can take, ticket and all.
MAX_AGE = 3_600
#: What ``decodeURI`` leaves encoded.
RESERVED = ";/?:@&=+$,#"
#: What a page's own pattern for a parameter stops at, or ``decodeURI`` would decode once too often.
UNREADABLE = "&#%"


def state_for(request: HttpRequest, provider: WebProvider, target: str) -> str:
    """The state that leads a page to ``target``, whether relayed or read as it comes from the provider."""
    if provider.settings.callback_page:
        return target
    page, to = _page(provider), urlsplit(target)
    if (to.scheme, to.netloc) == (page.scheme, page.netloc):
        to = to._replace(scheme="", netloc="", path=to.path or "/")
    # Some pages decode twice, and "/%5C%5Cevil.example" would then be another site.
    is_plain = not (to.netloc or "%" in to.path)
    if is_plain and not (to.query or to.fragment):
        return _relative(page, to.path)
    host, path = request.get_host(), _leading_on(request, provider, target)
    if path and ":" not in host:
        return _backslashed(f"//{host}{path}")
    # Our own address cannot be written without a colon: the page alone is better than nothing.
    return _relative(page, to.path) if is_plain else "."


def target_of(request: HttpRequest, provider: WebProvider, state: str) -> str:
    """What :func:`state_for` was given, out of a state that a page sends along. Raises NextNotAllowed."""
    state = unquote(state).replace("\\", "/") if provider.takes_any_state else ""
    if "/" in state and (target := _signed(state.rstrip("/").rpartition("/")[2])):
        state = target
    elif state and not state.startswith("/") and ":" not in state:
        # Checked first, or "\x01//[" is a URL that cannot be read.
        state = urljoin(_page(provider).path or "/", safe_next(request, state))
    return safe_next(request, state)


@never_cache
@require_GET
def follow(request: HttpRequest, provider: str, target: str) -> HttpResponse:
    """On to what we signed; to the page's site where that is too long ago."""
    source = _source(provider)
    return _see(urljoin(_page(source).geturl(), _signed(target) or "/"))


@never_cache
@require_GET
def relay(request: HttpRequest, provider: str) -> HttpResponse:
    """From the provider to the front end's callback page, with a state that it can read."""
    bodies.read_as_utf8(request)
    source = _source(provider)
    page = source.settings.callback_page
    if not page:
        raise Http404
    given = {name: request.GET[name] for name in ("code", "error", "usercancel") if name in request.GET}
    if source.code_field in request.GET:
        given["code"] = request.GET[source.code_field]
    try:
        target = safe_next(request, request.GET.get("state", "") if source.takes_any_state else "")
    except NextNotAllowed:
        target = "/"
    if any(letter in target for letter in UNREADABLE):
        target = f"{request.scheme}://{request.get_host()}{_leading_on(request, source, target)}"
    query = urlencode(given) + ("&" if given else "") + "state=" + quote(target, safe=RESERVED)
    return _see(f"{page}{'&' if '?' in page else '?'}{query}")


def _source(provider: str) -> WebProvider:
    try:
        return oauth.web(provider)
    except ProviderUnknown:
        raise Http404 from None


def _page(provider: WebProvider) -> SplitResult:
    """The front end's callback page."""
    return urlsplit(provider.settings.callback_page or provider.settings.redirect_uri)


def _relative(page: SplitResult, path: str) -> str:
    """``path`` as the callback page writes it: without its directory where that can be done."""
    directory = page.path.rpartition("/")[0] + "/"
    rest = path.removeprefix(directory)
    if not rest:
        return "."
    if (rest == path and path.startswith("/")) or "/" in rest or ":" in rest:
        rest = path  # from a slash on, nothing is read as a scheme, however often it is decoded
    return _backslashed(rest)


def _backslashed(path: str) -> str:
    return "\\".join(_plain(part) for part in path.split("/"))


def _plain(part: str) -> str:
    """Without a letter that stays encoded, or a blank, which may come back as a plus; servers read both alike."""
    return "".join(quote(letter) if letter in f"{RESERVED} " else letter for letter in part)


def _leading_on(request: HttpRequest, provider: WebProvider, target: str) -> str:
    """The path of :func:`follow` for ``target``; "" where the host serves no such address."""
    token = signing.dumps(target, salt=SALT, compress=True)
    for namespace in _namespaces(request):
        with suppress(NoReverseMatch):
            return reverse(f"{namespace}:follow", args=[provider.name, token])
    return ""


def _namespaces(request: HttpRequest) -> list[str]:
    """Where :func:`follow` may be. Hosts include our URLs in a namespace of their own, or several times."""
    match = cast("ResolverMatch", request.resolver_match)  # set before any view is called
    names = match.namespaces if match.app_names[-1:] == [NAMESPACE] else [*match.namespaces, NAMESPACE]
    return [":".join(names), NAMESPACE]


def _signed(token: str) -> str:
    try:
        target: str = signing.loads(token, salt=SALT, max_age=MAX_AGE)
    except signing.BadSignature:
        return ""
    return target


def _see(url: str) -> HttpResponse:
    # Not HttpResponseRedirect: Django limits the length of what it leads to.
    return HttpResponse(status=302, headers={"Location": iri_to_uri(url)})
