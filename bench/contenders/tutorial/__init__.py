"""The tutorial that many shops in China are built from: DRF, ``urlopen``, the ORM, one JWT. This is our version, not a
copy.

It keeps what the tutorial teaches: the middleware of startproject, one call for the token and one for the openid, two
queries, no check of the state. It replaces what no longer runs: the JWT library by simplejwt, the serializer of tickets
by Django's signing. The production settings follow Django's deployment checklist and its advice on databases: DEBUG is
off, and connections are persistent. ``urlopen`` is called as in the tutorial. In Python 3.11 this makes a new
connection and a new TLS context for each call.
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
