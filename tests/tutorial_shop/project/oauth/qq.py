"""QQ as the course asks it; QQ_URL is where a test has it."""

import json
from urllib.parse import urlencode
from urllib.request import urlopen

from django.conf import settings


def login_url(state):
    query = {"response_type": "code", "client_id": settings.QQ_CLIENT_ID, "state": state}
    return f"{_url()}/oauth2.0/authorize?" + urlencode(query | {"redirect_uri": settings.QQ_REDIRECT_URI})


def openid(code):
    query = {"grant_type": "authorization_code", "code": code, "fmt": "json", "client_id": settings.QQ_CLIENT_ID}
    secret = {"client_secret": settings.QQ_CLIENT_SECRET, "redirect_uri": settings.QQ_REDIRECT_URI}
    token = _get("token", query | secret)["access_token"]
    return _get("me", {"access_token": token, "fmt": "json"})["openid"]


def _get(name, query):
    with urlopen(f"{_url()}/oauth2.0/{name}?{urlencode(query)}", timeout=3) as answer:
        return json.load(answer)


def _url():
    return getattr(settings, "QQ_URL", "https://graph.qq.com")
