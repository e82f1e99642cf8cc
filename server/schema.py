"""The contract as OpenAPI at ``/schema/``, which anybody may ask for: made once for each language and format."""

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

#: Seconds for which browsers and proxies need not ask again; a deployed change is seen by then.
MAX_AGE = 300


@dataclass(frozen=True)
class Document:
    """One rendering."""

    content: bytes
    etag: str


class SchemaView(SpectacularAPIView):
    """drf-spectacular's own view describes all views anew for each request: 20 ms of CPU.

    It also keeps in memory whatever language ``?lang=`` names, and writes down the version that ``?version=`` names.
    Here ``lang`` is one of LANGUAGES or nothing, and the version is ours.
    """

    # Last, so that only who asks for HTML gets the page.
    renderer_classes = [*SpectacularAPIView.renderer_classes, PageRenderer]  # noqa: RUF012 - as Django REST framework has it

    @extend_schema(exclude=True)
    def get(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The document, or 304 to who has it. Nothing outside of the process is asked."""
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


#: As many as languages times renderers, both of them ours.
_documents: dict[tuple[str, type[BaseRenderer]], Document] = {}
_making = Lock()


def _document(language: str, renderer: type[BaseRenderer]) -> Document:
    # A crowd that comes first waits for one that makes it, rather than each making its own.
    with _making:
        if (language, renderer) not in _documents:
            _documents[language, renderer] = _made(language, renderer)
        return _documents[language, renderer]


def _made(language: str, renderer: type[BaseRenderer]) -> Document:
    with translation.override(language):
        schema = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]
        content = force_bytes(renderer().render(schema))
    return Document(content, f'"{hashlib.sha256(content).hexdigest()[:32]}"')
