"""One DRF view that does nothing but sign in: what one writes when speed matters and checks do not.

Django's and DRF's advice is followed as far as it saves anything: no middleware but the one that says how long an
answer is, no authentication on the way in, one renderer, connections that live on, a join instead of a second query.
One pool and one TLS context serve a process, and QQ is asked once, for token and openid together. Nothing is checked
that QQ does not check: no state, no limits.
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
