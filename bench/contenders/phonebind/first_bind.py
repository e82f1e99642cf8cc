"""The bind forms of new people, filled in as a browser does it and ready to be sent."""

import json
from collections.abc import Sequence
from time import time_ns

import psycopg

from bench.contenders import Request, Site
from bench.contenders.phonebind import HTTPS, begin, call_back, environ, sms_codes
from bench.contenders.phonebind.sms_codes import SMS_CODE
from bench.load import Load
from bench.upstream import openid

PASSWORD = "a-quiet-Harbour7"


def mobiles(first: int, count: int) -> list[str]:
    """The mobiles of new people, from number ``first`` on. No other part uses this range."""
    return [f"19{number:09}" for number in range(first, first + count)]


def bind_forms(load: Load, site: Site, people: Sequence[str]) -> list[Request]:
    """Bind requests of people who have come back from QQ and are not bound. Each has an SMS code, good for five
    minutes.
    """
    begun = load.ask(site, [begin(site) for _ in people])
    codes = [f"{openid(int(mobile))}.{time_ns()}" for mobile in people]
    unknown = load.ask(site, [call_back(site, *each) for each in zip(begun, codes, strict=True)])
    sms_codes.keep(environ(site), people)
    forms = []
    for mobile, answer in zip(people, unknown, strict=True):
        form = {"mobile": mobile, "password": PASSWORD, "sms_code": SMS_CODE}
        ticket = answer.json()["access_token"]
        forms.append(post("/oauth/qq/user/", {**form, "access_token": ticket}, Cookie=answer.cookies))
    return forms


def password_forms(people: Sequence[str]) -> list[Request]:
    """The requests with which these people sign in by password afterwards."""
    return [post("/authorizations/", {"username": mobile, "password": PASSWORD}) for mobile in people]


def forget(site: Site) -> None:
    """Delete the new people, so that the database is as it was before."""
    with psycopg.connect(site.database_url, autocommit=True) as connection:
        connection.execute(
            "DELETE FROM phonebind_socialaccount a USING users_user u WHERE a.user_id = u.id AND u.mobile LIKE '19%'"
        )
        connection.execute("DELETE FROM users_user WHERE mobile LIKE '19%'")
        connection.execute("VACUUM ANALYZE")


def post(path: str, form: dict[str, str], **headers: str) -> Request:
    return Request("POST", path, {**HTTPS, "Content-Type": "application/json", **headers}, json.dumps(form).encode())
