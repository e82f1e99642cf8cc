"""One DRF view that only signs in: the code that a developer writes when speed matters and checks do not.

It follows the advice of Django and DRF wherever that saves time: a single middleware, which sets Content-Length; no
authentication of the request; one renderer; persistent connections; a join instead of a second query. A process has one
connection pool and one TLS context. One request to QQ gets the token and the openid together. The view checks only what
QQ checks: it has no state and no limits.
"""

from bench import shop
from bench.contenders import Contender, Site, gunicorn, manage

SETTINGS = "bench.contenders.bare_drf.settings"


def environ(site: Site) -> dict[str, str]:
    return {
        "DJANGO_SETTINGS_MODULE": SETTINGS,
        **shop.environ(site),
        "QQ_CONNECTIONS": str(site.threads),
    }


def prepare(site: Site) -> None:
    manage(SETTINGS, environ(site), "migrate", "--run-syncdb", "--verbosity", "0")


CONTENDER = Contender(
    name="bare_drf",
    title="a bare DRF view",
    prepare=prepare,
    seed=shop.SEED,
    command=lambda site: gunicorn("django.core.wsgi:get_wsgi_application()", site),
    environ=environ,
    begin=None,
    call_back=shop.call_back,
    is_signed_in=lambda answer: answer.status == 200 and b'"token"' in answer.body and b'"refresh"' in answer.body,
)
