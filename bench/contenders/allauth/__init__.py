"""django-allauth: an OAuth 2 provider for QQ written for it, since it has none, and a session at the end.

The setup follows "Quickstart" in its documentation: apps, middleware, both authentication backends, the client in
``SOCIALACCOUNT_PROVIDERS``. The site's visitors have no other way to sign in (``SOCIALACCOUNT_ONLY``). The site has its
own pages and does not use the headless API. The provider is a Django app with provider.py, views.py and urls.py, as
"Customizing providers" says. It is as small as the providers that come with allauth.

- ``ALLAUTH_TRUSTED_PROXY_COUNT`` and a cache that all workers share: its rate limits need both behind a proxy.
- ``SOCIALACCOUNT_LOGIN_ON_GET`` skips a page that asks "continue?". The measurement begins after that page.
- ``ACCOUNT_EMAIL_VERIFICATION`` is "none", because ``SOCIALACCOUNT_ONLY`` requires it. No mail is sent.

It only rules out sessions in signed cookies. Django's deployment checklist recommends sessions in the cache. They cost
PostgreSQL less than Django's default, sessions in the database.
"""

from urllib.parse import parse_qs, urlencode, urlsplit

from bench.contenders import CLIENT_ID, CLIENT_SECRET, HTTPS, Answer, Contender, Request, Site, gunicorn, manage

SIGNED_IN = "/cart.html"


def environ(site: Site) -> dict[str, str]:
    return {
        "DJANGO_SETTINGS_MODULE": "bench.contenders.allauth.settings",
        "DATABASE_URL": site.database_url,
        "REDIS_URL": site.redis_url,
        "QQ_CLIENT_ID": CLIENT_ID,
        "QQ_CLIENT_SECRET": CLIENT_SECRET,
        "BENCH_UPSTREAM": site.upstream,
        "BENCH_SIGNED_IN": SIGNED_IN,
    }


def prepare(site: Site) -> None:
    own = environ(site)
    manage(own["DJANGO_SETTINGS_MODULE"], own, "migrate", "--verbosity", "0")


def begin(site: Site) -> Request:
    return Request("GET", "/accounts/qq/login/", HTTPS)


def call_back(site: Site, begun: Answer | None, code: str) -> Request:
    assert begun
    state = parse_qs(urlsplit(begun.header("location")).query)["state"][0]
    query = urlencode({"code": code, "state": state})
    return Request("GET", f"/accounts/qq/login/callback/?{query}", {**HTTPS, "Cookie": begun.cookies})


def is_signed_in(answer: Answer) -> bool:
    """The redirect must go to the page after success, and a new session must begin with it."""
    return answer.status == 302 and answer.header("location") == SIGNED_IN and "sessionid=" in answer.cookies


CONTENDER = Contender(
    name="allauth",
    title="django-allauth 65.21",
    prepare=prepare,
    seed=[
        """INSERT INTO auth_user (id, password, is_superuser, username, first_name, last_name, email, is_staff,
                                  is_active, date_joined)
           SELECT n, '!' || md5('unusable' || n), false, 'qq' || n, '小明', '', md5(n::text) || '@qq.example', false,
                  true, now()
           FROM generate_series(:first, :last) n""",
        """INSERT INTO account_emailaddress (user_id, email, verified, "primary")
           SELECT n, md5(n::text) || '@qq.example', false, true
           FROM generate_series(:first, :last) n""",
        """INSERT INTO socialaccount_socialaccount (user_id, provider, uid, extra_data, last_login, date_joined)
           SELECT n, 'qq', upper(md5(n::text)),
                  jsonb_build_object('sub', upper(md5(n::text)), 'id', upper(md5(n::text)), 'name', '小明',
                                     'email', md5(n::text) || '@qq.example'),
                  now(), now()
           FROM generate_series(:first, :last) n""",
        "SELECT setval(pg_get_serial_sequence('auth_user', 'id'), :last)",
    ],
    command=lambda site: gunicorn("django.core.wsgi:get_wsgi_application()", site),
    environ=environ,
    begin=begin,
    call_back=call_back,
    is_signed_in=is_signed_in,
)
