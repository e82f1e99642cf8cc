"""The contract as a page for people: a list of its operations, without scripts and without content of other sites.

drf-spectacular's own pages load Swagger UI or ReDoc from a CDN. Our visitors' browsers should not have to trust it.
"""

import base64
import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from django.template.loader import render_to_string
from django.utils.html import escape
from django.utils.safestring import mark_safe
from rest_framework.renderers import BaseRenderer

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere }
h2 { font-size: 1.1rem; margin-top: 2.5rem }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 }
th, td { border-top: 1px solid #8886; padding: .25rem .75rem .25rem 0; text-align: left; vertical-align: top }
th { font-weight: 600; white-space: nowrap }
"""
_DIGEST = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_DIGEST}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

Schema = Mapping[str, Any]


class PageRenderer(BaseRenderer):
    """For clients that ask for HTML, such as browsers."""

    media_type = "text/html"
    format = "html"
    charset = "utf-8"

    def render(self, data: Any, *args: Any, **kwargs: Any) -> str:
        if "paths" not in data:  # an error of Django REST framework, such as 405
            return escape(data["detail"])
        context = {
            "title": data["info"]["title"],
            "version": data["info"]["version"],
            "style": mark_safe(STYLE),  # noqa: S308 - our own constant; escaping would change its hash
            "operations": list(_operations(data)),
        }
        return render_to_string("schema.html", context)


def _operations(schema: Schema) -> Iterator[dict[str, Any]]:
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            yield {
                "id": operation["operationId"],
                "method": method.upper(),
                "path": path,
                "description": operation.get("description", ""),
                "takes": [*_parameters(operation), *_body(schema, operation)],
                "answers": list(_answers(schema, operation)),
            }


def _parameters(operation: Schema) -> Iterator[dict[str, Any]]:
    for parameter in operation.get("parameters", ()):
        yield {
            "name": parameter["name"],
            "place": parameter["in"],
            "required": parameter.get("required", False),
            "what": parameter.get("description", ""),
        }


def _body(schema: Schema, operation: Schema) -> Iterator[dict[str, Any]]:
    # The fields are the same in every format, so the first one is enough.
    for form in list(operation.get("requestBody", {}).get("content", {}).values())[:1]:
        for name, required in _fields(schema, form["schema"]).items():
            yield {"name": name, "place": "body", "required": required, "what": ""}


def _answers(schema: Schema, operation: Schema) -> Iterator[dict[str, Any]]:
    for status, answer in sorted(operation["responses"].items()):
        content = answer.get("content", {})
        fields = [name for form in content.values() for name in _fields(schema, form["schema"])]
        # docs/en/reference/errors.md describes the fields of errors. The error's code is in the description.
        yield {
            "status": status,
            "description": answer["description"] or ", ".join(content),
            "fields": fields if status < "300" else [],
        }


def _fields(schema: Schema, part: Schema) -> dict[str, bool]:
    """Name of each field, and whether it is always there. Of a choice, the fields of all alternatives."""
    if "$ref" in part:
        part = schema["components"]["schemas"][part["$ref"].rpartition("/")[2]]
    found = {name: name in part.get("required", ()) for name in part.get("properties", ())}
    for choice in (*part.get("oneOf", ()), *part.get("allOf", ())):
        found |= _fields(schema, choice)
    return found
