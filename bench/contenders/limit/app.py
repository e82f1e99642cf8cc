"""The callback as a plain WSGI application."""

import json
import os
import time
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qs
from wsgiref.types import StartResponse, WSGIEnvironment

import jwt

from bench.contenders.limit import people, qq

SECRET_KEY = os.environ["SECRET_KEY"]


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    status, answer = _answer(environ)
    body = json.dumps(answer).encode()
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def _answer(environ: WSGIEnvironment) -> tuple[str, dict[str, Any]]:
    codes = parse_qs(environ["QUERY_STRING"]).get("code")
    if environ["PATH_INFO"] != "/oauth/qq/user/" or not codes:
        return "404 Not Found", {}
    return sign_in(codes[0])


def sign_in(code: str) -> tuple[str, dict[str, Any]]:
    """The HTTP status, and the body of the answer."""
    grant = json.loads(qq.exchange(code))
    if "openid" not in grant:
        return "401 Unauthorized", {}
    found = people.find(grant["openid"])
    if not found:
        return "404 Not Found", {}
    user_id, username = found
    now = int(time.time())
    return "200 OK", {
        "token": _token("access", user_id, now, 300),
        "refresh": _token("refresh", user_id, now, 86400),
        "user_id": user_id,
        "username": username,
    }


def _token(kind: str, user_id: str, now: int, seconds: int) -> str:
    claims = {"token_type": kind, "exp": now + seconds, "iat": now, "jti": os.urandom(16).hex(), "user_id": user_id}
    return jwt.encode(claims, SECRET_KEY)
