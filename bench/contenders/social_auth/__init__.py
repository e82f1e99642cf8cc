"""social-auth-app-django: its own QQ backend, its default pipeline, and a session at the end.

The setup follows "Django Framework" in its documentation, for PostgreSQL: the app, the backend before Django's own, its
URLs, and its exceptions middleware, which turns an error into a redirect. By default it checks the state twice: in the
session, and once in its table of nonces. It asks for ``REDIRECT_IS_HTTPS`` behind a proxy that terminates TLS. Its
context processors are for pages, and this project renders none.

Its documentation does not say where to keep sessions. Django's deployment checklist recommends the cache. It costs
PostgreSQL less than Django's default, sessions in the database.

A visitor posts a form to begin, as its documentation demands. The request has the CSRF cookie and token that the page
with the form would have set.
"""

from urllib.parse import parse_qs, urlencode, urlsplit

from bench.contenders import CLIENT_ID, CLIENT_SECRET, HTTPS, Answer, Contender, Request, Site, gunicorn, manage

CSRF_TOKEN = "0" * 32
SIGNED_IN = "/cart.html"


def environ(site: Site) -> dict[str, str]:
    return {
        "DJANGO_SETTINGS_MODULE": "bench.contenders.social_auth.settings",
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
    form = {
        **HTTPS,
        "Origin": "https://127.0.0.1",
        "Cookie": f"csrftoken={CSRF_TOKEN}",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    return Request("POST", "/login/qq/", form, urlencode({"csrfmiddlewaretoken": CSRF_TOKEN}).encode())


def call_back(site: Site, begun: Answer | None, code: str) -> Request:
    assert begun
    state = parse_qs(urlsplit(begun.header("location")).query)["state"][0]
    query = urlencode({"code": code, "state": state})
    return Request("GET", f"/complete/qq/?{query}", {**HTTPS, "Cookie": begun.cookies})


def is_signed_in(answer: Answer) -> bool:
    """The redirect must go to the page after success, and a new session must begin with it."""
    return answer.status == 302 and answer.header("location") == SIGNED_IN and "sessionid=" in answer.cookies


CONTENDER = Contender(
    name="social_auth",
    title="social-auth-app-django 8",
    prepare=prepare,
    seed=[
        """INSERT INTO auth_user (id, password, is_superuser, username, first_name, last_name, email, is_staff,
                                  is_active, date_joined)
           SELECT n, '!' || md5('unusable' || n), false, 'qq' || n, '小明', '', '', false, true, now()
           FROM generate_series(:first, :last) n""",
        """INSERT INTO social_auth_usersocialauth (user_id, provider, id_key, uid, extra_data, created, modified)
           SELECT n, 'qq', 'openid', upper(md5(n::text)),
                  jsonb_build_object('auth_time', 1790000000, 'username', '小明', 'profile_image_url', '',
                                     'gender', '男', 'access_token', 'token-' || md5(n::text), 'token_type', null),
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
