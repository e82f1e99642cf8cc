"""The forms of people who are new: come by as a browser does, ready to be sent.

``python -m bench.contenders.phonebind.first_bind`` keeps an SMS code for each mobile it reads, as if it had been sent.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from time import time_ns

import django
import psycopg

from bench.contenders import ROOT, Request, Site
from bench.contenders.phonebind import HTTPS, begin, call_back, environ
from bench.load import Load
from bench.upstream import openid

PASSWORD = "a-quiet-Harbour7"
SMS_CODE = "271828"


def mobiles(first: int, count: int) -> list[str]:
    """Of new people number ``first`` and up: nobody else's begin so."""
    return [f"19{number:09}" for number in range(first, first + count)]


def bind_forms(load: Load, site: Site, people: Sequence[str]) -> list[Request]:
    """Each has been told that they are unknown, and has an SMS code, which is good for five minutes."""
    begun = load.ask(site, [begin(site) for _ in people])
    codes = [f"{openid(int(mobile))}.{time_ns()}" for mobile in people]
    unknown = load.ask(site, [call_back(site, *each) for each in zip(begun, codes, strict=True)])
    _keep_sms_codes(site, people)
    forms = []
    for mobile, answer in zip(people, unknown, strict=True):
        form = {"mobile": mobile, "password": PASSWORD, "sms_code": SMS_CODE}
        ticket = answer.json()["access_token"]
        forms.append(_post("/oauth/qq/user/", {**form, "access_token": ticket}, Cookie=answer.cookies))
    return forms


def password_forms(people: Sequence[str]) -> list[Request]:
    """What they sign in with from then on."""
    return [_post("/authorizations/", {"username": mobile, "password": PASSWORD}) for mobile in people]


def forget(site: Site) -> None:
    """The database as it was before them."""
    with psycopg.connect(site.database_url, autocommit=True) as connection:
        connection.execute(
            "DELETE FROM phonebind_socialaccount a USING users_user u WHERE a.user_id = u.id AND u.mobile LIKE '19%'"
        )
        connection.execute("DELETE FROM users_user WHERE mobile LIKE '19%'")
        connection.execute("VACUUM ANALYZE")


def _post(path: str, form: dict[str, str], **headers: str) -> Request:
    return Request("POST", path, {**HTTPS, "Content-Type": "application/json", **headers}, json.dumps(form).encode())


def _keep_sms_codes(site: Site, people: Sequence[str]) -> None:
    command = [sys.executable, "-m", __name__]
    own = {**os.environ, **environ(site)}
    subprocess.run(command, cwd=ROOT, env=own, input="\n".join(people), text=True, check=True)


def main() -> None:
    django.setup()
    from phonebind import sms_code_scripts, sms_codes  # noqa: PLC0415 - needs the settings

    lifetime = sms_codes.EXPIRES_IN * 1000
    for mobile in sys.stdin.read().split():
        digest = sms_codes._digests(mobile, SMS_CODE)[0]
        sms_code_scripts.add(sms_codes._key(mobile), sms_codes._now(), digest, lifetime, "", 0)


if __name__ == "__main__":
    main()
