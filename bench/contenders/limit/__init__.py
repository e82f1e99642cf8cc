"""The lower limit: no framework, and only the work that a sign-in needs.

That work is HTTP on both sides with certificate checks, one prepared SELECT and a pair of JWTs. Each part is the
cheapest that we tried: a stack of connections instead of one per thread; our own HTTP reader instead of http.client (or
urllib3, which costs more); libpq through psycopg's wrapper instead of psycopg's cursors. Do not sign people in like
this: it is only the reference for the other contenders.
"""

import psycopg

from bench import shop
from bench.contenders import Contender, Site, gunicorn

#: The tables that Django makes from bench/shop/models.py, as far as a sign-in needs them.
TABLES = """
CREATE TABLE IF NOT EXISTS shop_user (
    id bigserial PRIMARY KEY, password varchar(128) NOT NULL, last_login timestamptz, is_superuser boolean NOT NULL,
    username varchar(150) NOT NULL UNIQUE, first_name varchar(150) NOT NULL, last_name varchar(150) NOT NULL,
    email varchar(254) NOT NULL, is_staff boolean NOT NULL, is_active boolean NOT NULL,
    date_joined timestamptz NOT NULL, mobile varchar(11) NOT NULL UNIQUE
);
CREATE TABLE IF NOT EXISTS shop_qqaccount (
    id bigserial PRIMARY KEY, user_id bigint NOT NULL REFERENCES shop_user, openid varchar(64) NOT NULL UNIQUE,
    created_at timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS shop_qqaccount_user_id ON shop_qqaccount (user_id);
"""


def prepare(site: Site) -> None:
    with psycopg.connect(site.database_url) as connection:
        connection.execute(TABLES)


CONTENDER = Contender(
    name="limit",
    title="the limit: raw WSGI",
    prepare=prepare,
    seed=shop.SEED,
    command=lambda site: gunicorn("bench.contenders.limit.app", site),
    environ=shop.environ,
    begin=None,
    call_back=shop.call_back,
    is_signed_in=lambda answer: answer.status == 200 and b'"token"' in answer.body and b'"refresh"' in answer.body,
)
