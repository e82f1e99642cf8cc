"""The parts of the limit inside a DRF view. It shows what Django and DRF cost, with as little else as possible."""

from dataclasses import replace

from bench import shop
from bench.contenders import Site, gunicorn, limit

SETTINGS = "bench.contenders.limit_in_drf.settings"


def environ(site: Site) -> dict[str, str]:
    return {"DJANGO_SETTINGS_MODULE": SETTINGS, **shop.environ(site), "QQ_CONNECTIONS": str(site.threads)}


CONTENDER = replace(
    limit.CONTENDER,
    name="limit_in_drf",
    title="the limit's parts in a DRF view",
    command=lambda site: gunicorn("django.core.wsgi:get_wsgi_application()", site),
    environ=environ,
)
