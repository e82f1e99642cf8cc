"""What programs and browsers use at a site: paths, fields, names of views."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver
from drf_spectacular.generators import SchemaGenerator

from phonebind.operations.webhooks import TYPES


def contract() -> Iterator[str]:
    """``POST /authorizations/ request.username required``, ``POST /authorizations/ 200.token``; ``error.code`` for all
    errors.
    """
    generator: Any = SchemaGenerator
    schema: Mapping[str, Any] = generator().get_schema(request=None, public=True)
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            here = f"{method.upper()} {path}"
            yield here
            for parameter in operation.get("parameters", []):
                required = " required" if parameter.get("required") else ""
                yield f"{here} {parameter['in']}.{parameter['name']}{required}"
            for kind, content in operation.get("requestBody", {}).get("content", {}).items():
                if kind == "application/json":
                    yield from _fields(f"{here} request", content["schema"], schema, required=True)
            for status, answer in operation["responses"].items():
                yield f"{here} {status}"
                for content in answer.get("content", {}).values():
                    fields = "error" if int(status) >= 400 else f"{here} {status}"
                    yield from _fields(fields, content.get("schema", {}), schema, required=False)


def urls() -> Iterator[str]:
    """``phonebind_pages:login login/``: the names by which projects refer to our views."""
    for name, pattern in _views("", "", get_resolver().url_patterns):
        if name.startswith("phonebind") and not name.startswith("phonebind_sandbox"):
            yield f"{name} {pattern}"


def sandbox_urls() -> Iterator[str]:
    """The addresses of the sandbox, relative to its root."""
    for name, pattern in _views("", "", get_resolver().url_patterns):
        if name.startswith("phonebind_sandbox:"):
            yield f"{name} {pattern.removeprefix('sandbox/')}"


def webhooks() -> Iterator[str]:
    """``account-bound user_id``"""
    for type_, fields in TYPES.items():
        yield from (f"{type_} {field}" for field in fields)


def _fields(here: str, schema: Mapping[str, Any], root: Mapping[str, Any], *, required: bool) -> Iterator[str]:
    if "$ref" in schema:
        schema = root["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for part in (*schema.get("oneOf", []), *schema.get("anyOf", []), *schema.get("allOf", [])):
        yield from _fields(here, part, root, required=required)
    if "items" in schema:
        yield from _fields(f"{here}[]", schema["items"], root, required=required)
    for name, inner in schema.get("properties", {}).items():
        needed = " required" if required and name in schema.get("required", []) else ""
        yield f"{here}.{name}{needed}"
        yield from _fields(f"{here}.{name}", inner, root, required=required)


def _views(space: str, before: str, patterns: list[Any]) -> Iterator[tuple[str, str]]:
    for each in patterns:
        here = before + str(each.pattern)
        if isinstance(each, URLResolver):
            inner = ":".join(filter(None, (space, each.namespace)))
            yield from _views(inner, here, each.url_patterns)
        elif isinstance(each, URLPattern) and each.name:
            yield ":".join(filter(None, (space, each.name))), here
