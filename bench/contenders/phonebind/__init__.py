"""phonebind: the reference server in production, behind a proxy, with every check on."""

import sys
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import parse_qs, quote, urlsplit

from bench.contenders import CLIENT_ID, CLIENT_SECRET, HTTPS, Answer, Contender, Request, Site, manage


def environ(site: Site) -> dict[str, str]:
    return {
        "DJANGO_SETTINGS_MODULE": "bench.contenders.phonebind.settings",
        "SECRET_KEY": "bench-only-" + "0" * 50,
        "ALLOWED_HOSTS": "127.0.0.1",
        "REDIS_URL": site.redis_url,
        "DATABASE_URL": site.database_url,
        "DATA_DIR": str(site.directory),
        "QQ_CLIENT_ID": CLIENT_ID,
        "QQ_CLIENT_SECRET": CLIENT_SECRET,
        "QQ_REDIRECT_URI": "https://shop.example/oauth_callback.html",
        "SMS_GATEWAY": "bench.contenders.phonebind.gateway.Gateway",
        "TRUSTED_PROXIES": "1",
        "BIND": f"127.0.0.1:{site.port}",
        "WORKERS": str(site.workers),
        "THREADS": str(site.threads),
        "BENCH_UPSTREAM": site.upstream,
    }


def prepare(site: Site) -> None:
    migrate(environ(site))


def migrate(own: Mapping[str, str]) -> None:
    manage(own["DJANGO_SETTINGS_MODULE"], own, "migrate", "--verbosity", "0")


def begin(site: Site) -> Request:
    return Request("GET", "/oauth/qq/authorization/?next=/cart.html", HTTPS)


def call_back(site: Site, begun: Answer | None, code: str) -> Request:
    assert begun
    state = parse_qs(urlsplit(begun.json()["login_url"]).query)["state"][0]
    path = f"/oauth/qq/user/?code={code}&state={quote(state)}"
    return Request("GET", path, {**HTTPS, "Cookie": begun.cookies})


CONTENDER = Contender(
    name="phonebind",
    title="phonebind",
    prepare=prepare,
    seed=[
        """INSERT INTO users_user (id, password, is_superuser, username, first_name, last_name, email, is_staff,
                                   is_active, date_joined, mobile)
           SELECT n, 'argon2$argon2id$v=19$m=19456,t=2,p=1$' || md5(n::text) || '$' || md5('hash' || n), false,
                  (13000000000 + n)::text, '', '', '', false, true, now(), (13000000000 + n)::text
           FROM generate_series(:first, :last) n""",
        """INSERT INTO phonebind_socialaccount (user_id, provider, app_id, openid, nickname, created_at, updated_at)
           SELECT n, 'qq', '101234567', upper(md5(n::text)), '小明', now(), now()
           FROM generate_series(:first, :last) n""",
        "SELECT setval(pg_get_serial_sequence('users_user', 'id'), :last)",
    ],
    command=lambda site: [sys.executable, "-m", "gunicorn", "-c", "python:server.gunicorn_conf"],
    environ=environ,
    begin=begin,
    call_back=call_back,
    is_signed_in=lambda answer: answer.status == 200 and b'"token"' in answer.body,
)


def _with_the_app(site: Site) -> dict[str, str]:
    return {**environ(site), "LIFECYCLE": "1"}


#: The same server with ``phonebind.lifecycle``. Its people have proved their mobiles.
LIFE = replace(
    CONTENDER,
    name="phonebind_life",
    prepare=lambda site: migrate(_with_the_app(site)),
    environ=_with_the_app,
    seed=[
        *CONTENDER.seed,
        """INSERT INTO phonebind_lifecycle_mobileproof (user_id, mobile, proved_by, first_proved_at, last_proved_at,
                                                      reason, current)
           SELECT n, (13000000000 + n)::text, 'sms', now(), now(), '', true FROM generate_series(:first, :last) n""",
    ],
)
