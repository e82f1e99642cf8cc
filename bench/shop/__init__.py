"""A shop's people and their QQ accounts: the same tables for the contenders that have none of their own."""

import dj_database_url

from bench.contenders import CLIENT_ID, CLIENT_SECRET, Answer, Request, Site

#: The SQL that makes people. See :class:`bench.contenders.Contender`.
SEED = [
    """INSERT INTO shop_user (id, password, is_superuser, username, first_name, last_name, email, is_staff,
                              is_active, date_joined, mobile)
       SELECT n, 'pbkdf2_sha256$1000000$' || md5(n::text) || '$' || md5('hash' || n), false,
              (13000000000 + n)::text, '', '', '', false, true, now(), (13000000000 + n)::text
       FROM generate_series(:first, :last) n""",
    """INSERT INTO shop_qqaccount (user_id, openid, created_at)
       SELECT n, upper(md5(n::text)), now() FROM generate_series(:first, :last) n""",
    "SELECT setval(pg_get_serial_sequence('shop_user', 'id'), :last)",
]


def database(url: str) -> dict[str, object]:
    """Django's setting for this database. Connections are persistent, as Django advises for databases."""
    return {**dj_database_url.parse(url, conn_max_age=60)}


def environ(site: Site) -> dict[str, str]:
    """The environment variables of such a contender."""
    return {
        "SECRET_KEY": "bench-only-" + "0" * 50,
        "DATABASE_URL": site.database_url,
        "QQ_CLIENT_ID": CLIENT_ID,
        "QQ_CLIENT_SECRET": CLIENT_SECRET,
        "QQ_URL": site.upstream,
    }


def call_back(site: Site, begun: Answer | None, code: str) -> Request:
    """The callback request. It needs no earlier request."""
    return Request("GET", f"/oauth/qq/user/?code={code}")
