"""Stands in for the SDKs inside apps: returns what an app gets after a sign-in there.

``GET /weibo/sdk/token?person=xiaolan``. With ``client_id`` for an app other than the first.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

from . import conf, grants
from .gate import sandbox_view
from .people import PEOPLE, Person

Fields: TypeAlias = Callable[[conf.App, Person, grants.Tokens], Mapping[str, Any]]


def _view(kind: str, scope: str, fields: Fields) -> Callable[..., Any]:
    @sandbox_view("GET", "POST")
    def token(request: HttpRequest) -> HttpResponse:
        params = request.GET.dict() | request.POST.dict()
        apps = conf.apps(kind)
        app = apps.get(params.get("client_id") or next(iter(apps)))
        person = PEOPLE.get(params.get("person", ""))
        if app is None or person is None:
            return HttpResponse("Unknown app or person.", content_type="text/plain", status=400)
        tokens = grants.issue_tokens(grants.Grant(app.client_id, person.id, scope, "", time.time()))
        return JsonResponse(dict(fields(app, person, tokens)), json_dumps_params={"ensure_ascii": False})

    return token


def _qq(app: conf.App, person: Person, tokens: grants.Tokens) -> Mapping[str, Any]:
    return {
        "ret": 0,
        "msg": "",
        "openid": person.openid(app),
        "access_token": tokens.access,
        "expires_in": grants.TOKEN_SECONDS,
        "pay_token": tokens.refresh,
        "pf": "desktop_m_qq-10000144-android-2002-",
        "pfkey": "",
    }


def _weibo(app: conf.App, person: Person, tokens: grants.Tokens) -> Mapping[str, Any]:
    return {
        "uid": person.weibo_uid,
        "access_token": tokens.access,
        "refresh_token": tokens.refresh,
        "expires_in": str(grants.TOKEN_SECONDS),
        "userName": person.nickname,
    }


urlpatterns = [
    path("qq/sdk/token", _view("qq_app", "get_user_info", _qq), name="qq_sdk_token"),
    path("weibo/sdk/token", _view("weibo", "", _weibo), name="weibo_sdk_token"),
]
