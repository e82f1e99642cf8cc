"""The formats of QQ's responses: form-encoded, JSON, and JSON in a callback. Faults can break them."""

import json
from collections.abc import Mapping
from urllib.parse import urlencode

from django.http import HttpResponse

from .codes import CODES, PROFILE_CODES
from .faults import Faults

Fields = Mapping[str, str | int]

TEXT = "text/html; charset=utf-8"  # The real server uses this type for everything that is not fmt=json.
JSON = "application/json; charset=utf-8"


def token(fields: Fields, params: Mapping[str, str], faults: Faults) -> HttpResponse:
    form = str(faults["token_format"])
    asked = "json" if _wants_json(params) else "form"
    return _write(fields, asked if form == "auto" else form)


def me(fields: Fields, params: Mapping[str, str], faults: Faults) -> HttpResponse:
    return _object(fields, str(faults["me_format"]), params)


def profile(fields: Fields) -> HttpResponse:
    return HttpResponse(_json({"ret": 0, "msg": "", **fields}), content_type=TEXT)


def error(code: int, params: Mapping[str, str], faults: Faults) -> HttpResponse:
    fields: Fields = {"error": code, "error_description": CODES[code]}
    answer = _object(fields, str(faults["error_format"]), params)
    answer.status_code = int(faults["error_status"])
    return answer


def profile_error(code: int, params: Mapping[str, str], faults: Faults) -> HttpResponse:
    body = _json({"ret": code, "msg": PROFILE_CODES[code]})
    return HttpResponse(body, content_type=TEXT, status=int(faults["error_status"]))


def _object(fields: Fields, form: str, params: Mapping[str, str]) -> HttpResponse:
    asked = "json" if _wants_json(params) else "jsonp"
    if form == "trailing_comma":
        return _write(fields, asked, end=",}")
    return _write(fields, asked if form == "auto" else form)


def _write(fields: Fields, form: str, *, end: str = "}") -> HttpResponse:
    if form == "form":
        return HttpResponse(urlencode(fields), content_type=TEXT)
    body = _json(fields).removesuffix("}") + end
    if form == "jsonp":
        return HttpResponse(f"callback( {body} );\n", content_type=TEXT)
    return HttpResponse(body, content_type=JSON)


def _json(fields: Fields) -> str:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))


def _wants_json(params: Mapping[str, str]) -> bool:
    return params.get("fmt") == "json"
