"""A site below a path of its host: by Django's script prefix, and behind an nginx that removes the path."""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings as django_settings
from django.http import SimpleCookie
from django.test import Client
from django.test.utils import override_script_prefix
from pytest_django import Settings

from server.processes import spawn, stop
from tests.server.test_nginx import AROUND, NGINX, wait_for
from tests.support import documents
from tests.support.edge import Configure, Person, Upstream
from tests.support.ports import free_port
from tests.support.services import REQUIRE_ALL, valkey_server
from tests.support.site import serving
from tests.support.visitor import Answer, Visitor

MOBILE, PASSWORD = "13900000001", "horse-staple-9"
PREFIX = "/shop"


# ---------------------------------------------------------------- FORCE_SCRIPT_NAME


@pytest.fixture
def _below(settings: Settings) -> Iterator[None]:
    assert settings.STATIC_URL == "/static/"  # Django keeps the prefix that it had at the first access
    settings.FORCE_SCRIPT_NAME = PREFIX
    with override_script_prefix(f"{PREFIX}/"):
        yield


@pytest.mark.usefixtures("_below")
@pytest.mark.django_db
@pytest.mark.parametrize("legacy", [False, True])
def test_who_says_no_next_comes_to_the_sites_own_root(
    qq: Upstream, person: Person, phonebind: Configure, legacy: bool
) -> None:
    phonebind(legacy_state=legacy)
    state = person.login_url("")["state"]
    assert person.callback(state).json()["next"] == f"{PREFIX}/"
    assert person.callback(person.login_url("/cart.html")["state"]).json()["next"] == "/cart.html"


@pytest.mark.usefixtures("_below")
@pytest.mark.django_db
def test_every_address_of_the_pages_is_below_it(qq: Upstream, client: Client) -> None:
    page = client.get("/login/").content.decode()
    ours = [address for address in re.findall(r'(?:href|action)="(/[^"]*)"', page) if "/static/" not in address]
    assert ours
    assert [address for address in ours if not address.startswith(f"{PREFIX}/")] == []
    assert client.get("/login/done/")["Location"] == f"{PREFIX}/login/"
    [problem] = re.findall(r'class="button main" href="([^"]*)"', client.get("/login/x/").content.decode())
    assert problem == f"{PREFIX}/login/"
    assert django_settings.LOGIN_URL == "phonebind_pages:login"


# ---------------------------------------------------------------- behind nginx


class Below(Visitor):
    """All addresses of the site are below the path."""

    def _url(self, path: str, query: Mapping[str, str] | None = None) -> str:
        below = path if "://" in path or path.startswith(f"{PREFIX}/") else PREFIX + path
        return super()._url(below, query)


def documented(directory: Path, server: str, port: int) -> str:
    """The parts of two pages: one has the ``http`` part, the other has the locations."""
    whole, locations = (documents.code(page, "nginx")[0] for page in ("how-to/production", "how-to/servers"))
    above = whole[: whole.index("server {")].replace("server 127.0.0.1:8000;", f"server {server};")
    # As behind a proxy that ends TLS.
    told = "proxy_set_header X-Forwarded-Proto https; proxy_set_header Host $http_host;"
    block = f"{above}\nserver {{ listen 127.0.0.1:{port}; {told}\n{locations} }}"
    user = "user root;" if os.geteuid() == 0 else ""
    return AROUND.format(directory=directory, user=user, block=block)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """If nginx is missing, the tests are skipped, or fail where PHONEBIND_REQUIRE_ALL=1."""
    if not NGINX:
        (pytest.fail if REQUIRE_ALL else pytest.skip)("nginx is not installed (Debian: nginx-light)")
    directory, port = tmp_path_factory.mktemp("below"), free_port()
    environ = {
        "REDIS_URL": valkey_server().url.replace("db=0", "db=5"),
        "TRUSTED_PROXIES": "1",
        "FORCE_SCRIPT_NAME": PREFIX,
        "QQ_REDIRECT_URI": f"http://127.0.0.1:{port}{PREFIX}/login/qq/callback/",
    }
    with serving(directory / "data", **environ) as served:
        file = directory / "nginx.conf"
        file.write_text(documented(directory, urlsplit(served.url).netloc, port))
        with spawn([NGINX, "-e", directory / "error.log", "-c", file]) as nginx:
            try:
                wait_for(port, directory / "error.log")
                yield f"http://127.0.0.1:{port}"
            finally:
                stop(nginx)


@pytest.fixture
def visitor(site: str) -> Visitor:
    return Below(site)


def cookies(answer: Answer) -> list[Any]:
    return [morsel for line in answer.headers.get_all("Set-Cookie", []) for morsel in SimpleCookie(line).values()]


def test_the_api_from_nothing_to_a_bound_account(visitor: Visitor) -> None:
    answer = visitor.arrive("xiaolan", next="")
    assert answer.data["next"] == f"{PREFIX}/"
    bound = visitor.bind(MOBILE, PASSWORD, ticket=answer.data["access_token"])
    assert (bound.status, bound.data["next"]) == (201, f"{PREFIX}/")


def test_our_cookies_come_as_browsers_take_them(visitor: Visitor) -> None:
    """Browsers accept ``__Host-`` with ``Path=/`` only, whatever the site's own path is."""
    answer = visitor.get("/login/qq/")
    [flow] = cookies(answer)
    assert flow.key.startswith("__Host-phonebind_flow_")
    assert (flow["path"], flow["domain"], flow["secure"]) == ("/", "", True)


def test_the_pages_lead_from_one_to_the_next(visitor: Visitor) -> None:
    page = visitor.get("/login/").body.decode()
    [start] = re.findall(r'href="([^"]*/login/qq/[^"]*)"', page)
    assert start == f"{PREFIX}/login/qq/"
    callback = visitor.click(visitor.get(start).location, "fox")
    assert urlsplit(callback).path == f"{PREFIX}/login/qq/callback/"
    form = visitor.get(callback).location
    assert form.startswith(f"{PREFIX}/login/qq/bind/")
    page = visitor.get(form).body.decode()
    files = re.findall(r'(?:href|src)="([^"]*(?:css|js|svg)|[^"]*/images/[^"]*)"', page)
    assert len(files) >= 3
    assert {urlsplit(file).path.startswith(f"{PREFIX}/") for file in files} == {True}
    assert {visitor.get(file).status for file in files} == {200}
    assert visitor.get("/login/done/").location == f"{PREFIX}/login/"


def test_the_sandbox_and_the_admin(visitor: Visitor) -> None:
    page = visitor.get("/sandbox/").body.decode()
    links = re.findall(r'href="(/[^"]*)"', page)
    assert links
    assert [link for link in links if not link.startswith(f"{PREFIX}/")] == []
    assert visitor.get("/admin/").status == 404
