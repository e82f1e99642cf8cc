"""The contract as OpenAPI at ``/schema/``, open to everybody: made once for each language and format."""

import hashlib
from dataclasses import dataclass
from threading import Lock
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import translation
from django.utils.cache import get_conditional_response, patch_cache_control
from django.utils.encoding import force_bytes
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.renderers import BaseRenderer

from server.schema_page import POLICY, PageRenderer

#: Seconds that browsers and proxies may cache it. A deployed change is visible after that time.
MAX_AGE = 300


@dataclass(frozen=True)
class Document:
    """One rendering."""

    content: bytes
    etag: str


class SchemaView(SpectacularAPIView):
    """A faster view: drf-spectacular's own view describes all views again for each request, 20 ms of CPU.

    That view also keeps every value of ``?lang=`` in memory, and puts the value of ``?version=`` into the document.
    Here ``lang`` must be one of LANGUAGES, and the version is ours.
    """

    # The page is last, so that only clients that ask for HTML get it.
    renderer_classes = [*SpectacularAPIView.renderer_classes, PageRenderer]  # noqa: RUF012 - as Django REST framework has it

    @extend_schema(exclude=True)
    def get(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The document, or 304 if the client has it. It calls no other server."""
        renderer: BaseRenderer = request.accepted_renderer
        document = _document(_language(request), type(renderer))
        charset = f"; charset={renderer.charset}" if renderer.charset else ""
        response = HttpResponse(document.content, content_type=f"{renderer.media_type}{charset}")
        if isinstance(renderer, PageRenderer):
            response.headers["Content-Security-Policy"] = POLICY
        response.headers["Content-Disposition"] = f'inline; filename="phonebind.{renderer.format}"'
        response.headers["ETag"] = document.etag
        patch_cache_control(response, public=True, max_age=MAX_AGE)
        answer = get_conditional_response(request, etag=document.etag, response=response)
        assert answer
        return answer


def _language(request: HttpRequest) -> str:
    try:
        return translation.get_supported_language_variant(request.GET.get("lang") or translation.get_language())
    except LookupError:
        return translation.get_language()


#: At most languages times renderers; clients cannot add more.
_documents: dict[tuple[str, type[BaseRenderer]], Document] = {}
_making = Lock()


def _document(language: str, renderer: type[BaseRenderer]) -> Document:
    # In a crowd of first requests, one makes the document and the others wait.
    with _making:
        if (language, renderer) not in _documents:
            _documents[language, renderer] = _made(language, renderer)
        return _documents[language, renderer]


def _made(language: str, renderer: type[BaseRenderer]) -> Document:
    with translation.override(language):
        schema = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]
        content = force_bytes(renderer().render(schema))
    return Document(content, f'"{hashlib.sha256(content).hexdigest()[:32]}"')
