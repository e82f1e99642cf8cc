"""The state for pages of the tutorial: after a sign-in they read ``decodeURI(state)`` from their address and go there.

Providers return the state percent-encoded, and ``decodeURI`` leaves ``; / ? : @ & = + $ , #`` encoded. For such a page
"%2Fcart.html" is not a path but the name of a file. So the state is a path relative to the callback page, with a
backslash in place of each slash; browsers read both alike. A target with a query cannot be written in this way. There
are two solutions. The page goes to an address of ours, which redirects to the target (:func:`follow`). Or the provider
redirects to us first, and we write the address of the page (:func:`relay`, where ``callback_page`` is set).
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
#: Seconds. Longer than a sign-in can take, including the time that its binding token is valid.
MAX_AGE = 3_600
#: The characters that ``decodeURI`` leaves encoded.
RESERVED = ";/?:@&=+$,#"
#: Characters of a target that pages cannot read. Their pattern for a parameter stops at ``&`` and ``#``, and
#: ``decodeURI`` would decode a ``%`` once too often.
UNREADABLE = "&#%"


def state_for(request: HttpRequest, provider: WebProvider, target: str) -> str:
    """The state that leads a page to ``target``, with :func:`relay` or directly from the provider."""
    if provider.settings.callback_page:
        return target
    page, to = _page(provider), urlsplit(target)
    if (to.scheme, to.netloc) == (page.scheme, page.netloc):
        to = to._replace(scheme="", netloc="", path=to.path or "/")
    # Some pages decode twice. For them "/%5C%5Cevil.example" would be another site.
    is_plain = not (to.netloc or "%" in to.path)
    if is_plain and not (to.query or to.fragment):
        return _relative(page, to.path)
    host, path = request.get_host(), _leading_on(request, provider, target)
    if path and ":" not in host:
        return _backslashed(f"//{host}{path}")
    # The host has a port: our address would need a colon and cannot be written. Use the page without its query.
    return _relative(page, to.path) if is_plain else "."


def target_of(request: HttpRequest, provider: WebProvider, state: str) -> str:
    """The target that :func:`state_for` encoded into ``state``. Raises NextNotAllowed."""
    state = unquote(state).replace("\\", "/") if provider.takes_any_state else ""
    if "/" in state and (target := _signed(state.rstrip("/").rpartition("/")[2])):
        state = target
    elif state and not state.startswith("/") and ":" not in state:
        # safe_next comes before urljoin: urljoin cannot read a state such as "\x01//[".
        state = urljoin(_page(provider).path or "/", safe_next(request, state))
    return safe_next(request, state)


@never_cache
@require_GET
def follow(request: HttpRequest, provider: str, target: str) -> HttpResponse:
    """Redirect to the target that we signed. If the signature is too old, redirect to the root of the page's site."""
    source = _source(provider)
    return _see(urljoin(_page(source).geturl(), _signed(target) or "/"))


@never_cache
@require_GET
def relay(request: HttpRequest, provider: str) -> HttpResponse:
    """Redirect from the provider to the front end's callback page, with a state that the page can read."""
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
    """The address of the front end's callback page, parsed."""
    return urlsplit(provider.settings.callback_page or provider.settings.redirect_uri)


def _relative(page: SplitResult, path: str) -> str:
    """``path`` relative to the callback page: without the page's directory where possible."""
    directory = page.path.rpartition("/")[0] + "/"
    rest = path.removeprefix(directory)
    if not rest:
        return "."
    if (rest == path and path.startswith("/")) or "/" in rest or ":" in rest:
        rest = path  # it starts with a slash, so it is never read as a scheme, however often it is decoded
    return _backslashed(rest)


def _backslashed(path: str) -> str:
    return "\\".join(_plain(part) for part in path.split("/"))


def _plain(part: str) -> str:
    """``part`` with reserved letters and blanks percent-encoded. Servers read the encoded and the plain form alike.

    ``decodeURI`` does not decode the provider's encoding of a reserved letter, and a blank may come back as a plus.
    """
    return "".join(quote(letter) if letter in f"{RESERVED} " else letter for letter in part)


def _leading_on(request: HttpRequest, provider: WebProvider, target: str) -> str:
    """The path of :func:`follow` for ``target``, or "" if the host serves no such address."""
    token = signing.dumps(target, salt=SALT, compress=True)
    for namespace in _namespaces(request):
        with suppress(NoReverseMatch):
            return reverse(f"{namespace}:follow", args=[provider.name, token])
    return ""


def _namespaces(request: HttpRequest) -> list[str]:
    """The namespaces to look for :func:`follow`. A host may include our URLs in its own namespace, or several times."""
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
    # Not HttpResponseRedirect: Django limits the length of the address that it redirects to.
    return HttpResponse(status=302, headers={"Location": iri_to_uri(url)})
