"""One DRF view that does nothing but sign in: what one writes when speed matters and checks do not.

Django's and DRF's advice is followed as far as it saves anything: no middleware but the one that says how long an
answer is, no authentication on the way in, one renderer, connections that live on, a join instead of a second query.
One pool and one TLS context serve a process, and QQ is asked once, for token and openid together. Nothing is checked
that QQ does not check: no state, no limits.
"""

from bench.contenders import CLIENT_ID, CLIENT_SECRET, Answer, Contender, Request, Site, gunicorn, manage
from bench.shop import SEED

SETTINGS = "bench.contenders.bare_drf.settings"


def environ(site: Site) -> dict[str, str]:
    return {
        "DJANGO_SETTINGS_MODULE": SETTINGS,
        "SECRET_KEY": "bench-only-" + "0" * 50,
        "DATABASE_URL": site.database_url,
        "QQ_CLIENT_ID": CLIENT_ID,
        "QQ_CLIENT_SECRET": CLIENT_SECRET,
        "QQ_URL": site.upstream,
        "QQ_CONNECTIONS": str(site.threads),
    }


def prepare(site: Site) -> None:
    manage(SETTINGS, environ(site), "migrate", "--run-syncdb", "--verbosity", "0")


def call_back(site: Site, begun: Answer | None, code: str) -> Request:
    return Request("GET", f"/oauth/qq/user/?code={code}")


CONTENDER = Contender(
    name="bare_drf",
    title="a bare DRF view",
    prepare=prepare,
    seed=SEED,
    command=lambda site: gunicorn("django.core.wsgi:get_wsgi_application()", site),
    environ=environ,
    begin=None,
    call_back=call_back,
    is_signed_in=lambda answer: answer.status == 200 and b'"token"' in answer.body and b'"refresh"' in answer.body,
)
