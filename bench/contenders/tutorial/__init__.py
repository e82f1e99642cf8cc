"""The tutorial that shops in China are built from: DRF, ``urlopen``, the ORM, one JWT. A rendering, not a copy.

What it teaches is kept: startproject's middleware, a call for the token and one for the openid, two queries, no check
of the state. What no longer runs is replaced: its JWT library by simplejwt, its serializer of tickets by Django's
signing. Production is by Django's deployment checklist and its advice on databases: DEBUG off, connections that live
on. ``urlopen`` is as the tutorial calls it, which in Python 3.11 means a connection and a TLS context for each call.
"""

from bench import shop
from bench.contenders import Contender, Site, gunicorn, manage

SETTINGS = "bench.contenders.tutorial.settings"


def environ(site: Site) -> dict[str, str]:
    return {
        "DJANGO_SETTINGS_MODULE": SETTINGS,
        **shop.environ(site),
    }


def prepare(site: Site) -> None:
    manage(SETTINGS, environ(site), "migrate", "--run-syncdb", "--verbosity", "0")


CONTENDER = Contender(
    name="tutorial",
    title="the tutorial's code",
    prepare=prepare,
    seed=shop.SEED,
    command=lambda site: gunicorn("django.core.wsgi:get_wsgi_application()", site),
    environ=environ,
    begin=None,
    call_back=shop.call_back,
    is_signed_in=lambda answer: answer.status == 200 and b'"token"' in answer.body,
)
